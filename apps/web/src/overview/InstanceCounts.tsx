'use client'
import { Paper, SimpleGrid, Skeleton, Text } from '@mantine/core'
import { IconAlertTriangle, IconHourglass, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useQueries } from '@tanstack/react-query'
import Link from 'next/link'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import classes from './InstanceCounts.module.css'

const tiles = [
  { label: 'Active', status: 'ACTIVE', color: 'good', icon: <IconPlayerPlay size={20} /> },
  { label: 'Building', status: 'BUILD', color: 'busy', icon: <IconHourglass size={20} /> },
  { label: 'Stopped', status: 'SHUTOFF', color: 'gray', icon: <IconPlayerStop size={20} /> },
  { label: 'Error', status: 'ERROR', color: 'bad', icon: <IconAlertTriangle size={20} /> },
] as const

/** Instances by state; each number leads to its list. */
export function InstanceCounts() {
  const trpc = useTRPC()
  const counts = useQueries({
    queries: tiles.map(({ status }) =>
      trpc.compute.instances.list.queryOptions({ status: [status], limit: 1 }),
    ),
  })
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
      {tiles.map(({ label, status, color, icon }, index) => {
        const total = counts[index]?.data?.total
        return (
          <Paper
            key={status}
            component={Link}
            href={`${paths.instances}?status=${status}`}
            withBorder
            radius="md"
            p="md"
            className={classes.tile}
          >
            <span
              className={classes.icon}
              style={{ color: `var(--mantine-color-${color}-light-color)` }}
              aria-hidden
            >
              {icon}
            </span>
            <span>
              <Text component="span" display="block" fz={26} fw={700} lh={1.1}>
                {total ?? <Skeleton component="span" display="block" width={28} height={28} />}
              </Text>
              <Text component="span" display="block" size="sm" c="dimmed">
                {label}
              </Text>
            </span>
          </Paper>
        )
      })}
    </SimpleGrid>
  )
}
