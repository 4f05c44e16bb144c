'use client'
import dynamic from 'next/dynamic'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const VncConsole = dynamic(() => import('./VncScreen.tsx').then((module) => module.VncScreen), {
  ssr: false,
  loading: ConsoleLoading,
})
