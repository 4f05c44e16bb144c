'use client'
import { useSyncExternalStore } from 'react'
import { heed } from '../kit/heed.ts'
import { createUploadStore, type Upload } from './uploads.ts'

const warn = (event: BeforeUnloadEvent) => event.preventDefault()

/** The uploads of this tab, which go on while the person looks at other pages of the portal. */
export const uploads = createUploadStore({
  request: () => new XMLHttpRequest(),
  now: () => Date.now(),
  guard: (on) =>
    on ? window.addEventListener('beforeunload', warn) : window.removeEventListener('beforeunload', warn),
  refused: heed,
})

const none: readonly Upload[] = []
export const useUploads = (): readonly Upload[] =>
  useSyncExternalStore(uploads.subscribe, uploads.getSnapshot, () => none)
export const useUpload = (imageId: string): Upload | null =>
  useUploads().find((upload) => upload.imageId === imageId) ?? null
