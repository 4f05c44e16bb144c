'use client'
import { Button } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import Link from 'next/link'
import { paths } from '../kit/paths.ts'
import { EmptyState } from '../ui/EmptyState.tsx'

/** Instead of a page that could only fail, part by part. */
export function Closed({ why }: { why: 'project' | 'rights' }) {
  return (
    <EmptyState
      icon={<IconLock size={28} />}
      title={why === 'project' ? 'Choose a project first' : 'This page is not for your role'}
      text={
        why === 'project'
          ? 'This page shows what is in a project. Choose one at the top.'
          : 'Administrators of the cloud or of a domain work here. Ask one of them if you need something of it.'
      }
      action={
        <Button component={Link} href={paths.overview} variant="default">
          Go to the overview
        </Button>
      }
    />
  )
}
