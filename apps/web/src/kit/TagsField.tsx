'use client'
import { Skeleton } from '@mantine/core'
import { lazyPart } from './lazy-part.tsx'

/**
 * The tags of a thing. Every change is saved at once: Enter adds a tag, and the cross removes one. The server draws the
 * field, and its code arrives after the page.
 */
export const TagsField = lazyPart(() => import('./TagsEntry.tsx').then((module) => module.TagsEntry), {
  waiting: <Skeleton h={59} />,
})
