'use client'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const LinkedConsole = lazyPart(
  () => import('./LinkedScreen.tsx').then((module) => module.LinkedScreen),
  { browserOnly: true, waiting: <ConsoleLoading /> },
)
