'use client'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { lazyTab } from '../../kit/lazy-part.tsx'

/** The backups of a volume, for the tab of its page. */
export const BackupsOfVolume = lazyTab<{ volume: VolumeView; make: () => void }>(() =>
  import('./BackupsOfVolume.tsx').then((module) => module.BackupsOfVolume),
)
