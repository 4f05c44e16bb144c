'use client'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const SerialConsole = lazyPart(
  () => import('./SerialTerminal.tsx').then((module) => module.SerialTerminal),
  { browserOnly: true, waiting: <ConsoleLoading /> },
)
