'use client'
import { lazyPart } from '../../kit/lazy-part.tsx'

type Thing = { id: string; projectId: null }

/**
 * What the page of a thing shows below “Not found”: when the thing is deleted and can be taken back, the way to do so. The
 * project of the thing is unknown, since the page has found nothing.
 */
export const DeletedVolume = lazyPart<Thing>(() =>
  import('./TakeBack.tsx').then((module) => module.TakeBackVolume),
)
export const DeletedSnapshot = lazyPart<Thing>(() =>
  import('./TakeBack.tsx').then((module) => module.TakeBackSnapshot),
)
export const DeletedBackup = lazyPart<Thing>(() =>
  import('./TakeBack.tsx').then((module) => module.TakeBackBackup),
)
