'use client'
import { Paper, Skeleton, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useTRPC } from '../kit/trpc.ts'
import classes from './InstanceCounts.module.css'
import { countRead } from './reads.ts'

const states = [
  { label: 'Active', status: 'ACTIVE', tone: 'good' },
  { label: 'Building', status: 'BUILD', tone: 'busy' },
  { label: 'Stopped', status: 'SHUTOFF', tone: 'off' },
  { label: 'Error', status: 'ERROR', tone: 'bad' },
] as const

/** Counts instances by state, in the project or in the whole cloud; each number is a link to its list. */
export function InstanceCounts({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const { data } = useQuery(countRead(trpc, allProjects))
  const list = allProjects ? paths.adminInstances : paths.instances
  return (
    <Paper withBorder radius="md" className={classes.counts}>
      {states.map(({ label, status, tone }) => {
        const total = data && (data.byStatus[status] ?? 0)
        return (
          <Link key={status} href={`${list}?status=${status}`} className={classes.count}>
            <Text
              component="span"
              fz={26}
              fw={650}
              lh={1.15}
              className={classes.number}
              data-none={total === 0 || undefined}
            >
              {total ?? <Skeleton component="span" display="block" width={28} height={30} />}
            </Text>
            {/* A colour is for states in which something is. */}
            <StateBadge state={label} tone={total ? tone : 'off'} />
          </Link>
        )
      })}
    </Paper>
  )
}
