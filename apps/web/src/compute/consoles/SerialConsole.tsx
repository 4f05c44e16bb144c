'use client'
import dynamic from 'next/dynamic'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const SerialConsole = dynamic(
  () => import('./SerialTerminal.tsx').then((module) => module.SerialTerminal),
  { ssr: false, loading: ConsoleLoading },
)
