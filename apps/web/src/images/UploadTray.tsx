'use client'
import { lazyPart } from '../kit/lazy-part.tsx'
import { useUploads } from './portal-uploads.ts'

const UploadList = lazyPart(() => import('./UploadList.tsx').then((module) => module.UploadList), {
  browserOnly: true,
  quiet: true,
})

/** Part of the shell on every page; shows nothing until something is uploaded. */
export function UploadTray() {
  const uploads = useUploads()
  return uploads.length === 0 ? null : <UploadList uploads={uploads} />
}
