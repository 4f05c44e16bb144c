'use client'
import dynamic from 'next/dynamic'
import { useUploads } from './portal-uploads.ts'

const UploadList = dynamic(() => import('./UploadList.tsx').then((module) => module.UploadList), {
  ssr: false,
})

/** In the shell of every page: nothing at all until something is uploaded. */
export function UploadTray() {
  const uploads = useUploads()
  return uploads.length === 0 ? null : <UploadList uploads={uploads} />
}
