'use client'
import { lazyPart } from '../kit/lazy-part.tsx'
import { StateBadge } from '../kit/StateBadge.tsx'
import type { CopyStateProps } from './CopyProgress.tsx'

const CopyState = lazyPart<CopyStateProps>(
  () => import('./CopyProgress.tsx').then((module) => module.CopyState),
  { quiet: true },
)

/** The state of a thing that is being copied, for a list. Few things are, so the code for the percentage comes when one is. */
export const CopyStateInList = (props: CopyStateProps) => (
  <CopyState {...props} waiting={<StateBadge state={props.word} tone="busy" />} />
)
