'use client'
import { Button } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { EmptyState } from '../ui/EmptyState.tsx'
import { closedWords } from './closed-words.ts'
import type { ClosedTo } from './navigation.tsx'

/** Stands in for a page that this session may not read: each part of the page would fail by itself. */
export function Closed({ why }: { why: ClosedTo }) {
  return (
    <EmptyState
      icon={<IconLock size={28} />}
      {...closedWords[why]}
      action={
        <Button component={Link} href={paths.overview} variant="default">
          Go to the overview
        </Button>
      }
    />
  )
}
