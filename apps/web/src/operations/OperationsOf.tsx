'use client'
import { lazyTab } from '../kit/lazy-part.tsx'

/** The history of one resource, for the tab of its page. */
export const OperationsOf = lazyTab(() =>
  import('./OperationHistory.tsx').then((module) => module.OperationHistory),
)
