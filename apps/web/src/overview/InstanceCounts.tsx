'use client'
import { Paper, SimpleGrid, Skeleton, Text } from '@mantine/core'
import { IconAlertTriangle, IconHourglass, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'
import classes from './InstanceCounts.module.css'
import { countRead } from './reads.ts'

const tiles = [
  { label: 'Active', status: 'ACTIVE', color: 'good', icon: <IconPlayerPlay size={20} /> },
  { label: 'Building', status: 'BUILD', color: 'busy', icon: <IconHourglass size={20} /> },
  { label: 'Stopped', status: 'SHUTOFF', color: 'gray', icon: <IconPlayerStop size={20} /> },
  { label: 'Error', status: 'ERROR', color: 'bad', icon: <IconAlertTriangle size={20} /> },
] as const

/** Counts instances by state, in the project or in the whole cloud; each number is a link to its list. */
export function InstanceCounts({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(countRead(trpc, allProjects))
  const list = allProjects ? paths.adminInstances : paths.instances
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
      {tiles.map(({ label, status, color, icon }) => {
        const total = data && (data.byStatus[status] ?? 0)
        return (
          <Paper
            key={status}
            component={Link}
            href={`${list}?status=${status}`}
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
