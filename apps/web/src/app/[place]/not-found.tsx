'use client'
import { Button, Group } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'

export default function NotFound() {
  return (
    <EmptyState
      icon={<IconMapOff size={28} />}
      title="There is no such page"
      text="The address may be old or mistyped."
      action={
        <Group gap="xs" justify="center">
          <Button component={Link} href={paths.overview}>
            To the overview
          </Button>
          <Button component={Link} href={paths.help()} variant="default">
            To the guide
          </Button>
        </Group>
      }
    />
  )
}
