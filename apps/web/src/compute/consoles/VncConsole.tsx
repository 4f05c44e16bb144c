'use client'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { ConsoleLoading } from './ConsoleLoading.tsx'

export const VncConsole = lazyPart(() => import('./VncScreen.tsx').then((module) => module.VncScreen), {
  browserOnly: true,
  waiting: <ConsoleLoading />,
})
