'use client'
import dynamic from 'next/dynamic'
import { useUploads } from './portal-uploads.ts'

const UploadList = dynamic(() => import('./UploadList.tsx').then((module) => module.UploadList), {
  ssr: false,
})

/** Part of the shell on every page; shows nothing until something is uploaded. */
export function UploadTray() {
  const uploads = useUploads()
  return uploads.length === 0 ? null : <UploadList uploads={uploads} />
}
