'use client'
import dynamic from 'next/dynamic'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const LinkedConsole = dynamic(
  () => import('./LinkedScreen.tsx').then((module) => module.LinkedScreen),
  { ssr: false, loading: ConsoleLoading },
)
