'use client'
import type { OperationView } from '@stratolith/api/kernel/contract'
import type { ComponentType } from 'react'
import { lazyPart } from '../kit/lazy-part.tsx'

type Thing = { id: string; projectId: string | null }

/** The parts of the operation's panel that undo an action, by its name. */
const parts: Readonly<Record<string, ComponentType<Thing>>> = {
  'volume.discard': lazyPart<Thing>(() =>
    import('../volumes/trash/TakeBack.tsx').then((module) => module.TakeBackVolume),
  ),
  'volumeSnapshot.discard': lazyPart<Thing>(() =>
    import('../volumes/trash/TakeBack.tsx').then((module) => module.TakeBackSnapshot),
  ),
  'volumeBackup.discard': lazyPart<Thing>(() =>
    import('../volumes/trash/TakeBack.tsx').then((module) => module.TakeBackBackup),
  ),
}

/** Offers to take back the thing that this operation has deleted. */
export function TakeBackOf({ operation }: { operation: OperationView }) {
  const Part = parts[operation.action]
  return Part ? <Part id={operation.resourceId} projectId={operation.projectId} /> : null
}
