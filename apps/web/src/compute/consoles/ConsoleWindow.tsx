'use client'
import { lazyPart } from '../../kit/lazy-part.tsx'

/** A console that has a window of the browser for itself: it covers the portal's page. */
export const ConsoleWindow = lazyPart(
  () => import('./ConsoleModal.tsx').then((module) => module.ConsoleModal),
  {
    browserOnly: true,
  },
)
