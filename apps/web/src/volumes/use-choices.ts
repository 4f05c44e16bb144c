'use client'
import { backupCan } from '@stratolith/api/volumes/backups/states'
import { snapshotCan } from '@stratolith/api/volumes/snapshots/states'
import { volumeCan } from '@stratolith/api/volumes/states'
import { useQuery } from '@tanstack/react-query'
import { gib } from '../kit/format.ts'
import { useTRPC } from '../kit/trpc.ts'
import { backupName, sourceName } from './backups/words.ts'
import { type Choice, type From, type Given, imageLeastGib } from './origin.ts'
import { snapshotName } from './snapshots/words.ts'
import { volumeName } from './volume.descriptor.tsx'

const limit = 1000

/** The things of which a new volume can be made; `given`: one that is offered before the list of all is there. */
export function useChoices(from: From, given?: Given): Choice[] {
  const trpc = useTRPC()
  const images = useQuery(
    trpc.images.list.queryOptions({ state: 'active', limit }, { enabled: from === 'image' }),
  )
  const snapshots = useQuery(
    trpc.volumes.snapshots.list.queryOptions({ limit }, { enabled: from === 'snapshot' }),
  )
  const volumes = useQuery(trpc.volumes.list.queryOptions({ limit }, { enabled: from === 'volume' }))
  const backups = useQuery(trpc.volumes.backups.list.queryOptions({ limit }, { enabled: from === 'backup' }))
  if (from === 'backup') {
    const first = given?.from === 'backup' ? [given.view] : []
    return (backups.data?.items ?? first).map((view) => {
      const problem = problemOf(backupCan.restore(view))
      const label = `${backupName(view)} · ${sourceName(view)} · ${gib(view.sizeGib)}`
      return { id: view.id, label, leastGib: view.sizeGib, problem }
    })
  }
  if (from === 'image')
    return (images.data?.items ?? []).map((image) => {
      return { id: image.id, label: image.name || image.id, leastGib: imageLeastGib(image), problem: null }
    })
  if (from === 'snapshot') {
    const first = given?.from === 'snapshot' ? [given.view] : []
    return (snapshots.data?.items ?? first).map((view) => {
      const problem = problemOf(snapshotCan.use(view))
      const label = `${snapshotName(view)} · ${view.volume.name || view.volume.id} · ${gib(view.sizeGib)}`
      return { id: view.id, label, leastGib: view.sizeGib, problem }
    })
  }
  if (from === 'nothing') return []
  const first = given?.from === 'volume' ? [given.view] : []
  return (volumes.data?.items ?? first).map((view) => {
    const problem = problemOf(volumeCan.copy(view))
    return {
      id: view.id,
      label: `${volumeName(view)} · ${gib(view.sizeGib)}`,
      leastGib: view.sizeGib,
      problem,
    }
  })
}

const problemOf = (allowed: true | string): string | null => (allowed === true ? null : allowed)
