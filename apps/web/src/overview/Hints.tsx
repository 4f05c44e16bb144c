'use client'
import { Anchor, Paper, Stack } from '@mantine/core'
import { IconBulb } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import classes from './Hints.module.css'
import { hintsOf } from './hints.ts'
import { countRead, keyPairRead } from './reads.ts'

/** Shows what the person may want to look at next; nothing while all is well. */
export function Hints() {
  const trpc = useTRPC()
  const { at } = useSession()
  const summary = useQuery(countRead(trpc, false))
  const quotas = useQuery(trpc.quota.get.queryOptions())
  const keyPairs = useQuery(keyPairRead(trpc))
  const hints = hintsOf({
    byStatus: summary.data?.byStatus ?? {},
    quotas: quotas.data ?? [],
    keyPairs: keyPairs.data?.total ?? null,
    projectId: at,
  })
  if (hints.length === 0) return null
  return (
    <Paper
      component="section"
      withBorder
      radius="md"
      px="md"
      py="sm"
      aria-label="Hints"
      className={classes.hints}
    >
      <IconBulb size={18} aria-hidden className={classes.sign} />
      <Stack gap={4} fz="sm">
        {hints.map(({ text, action, href }) => (
          <span key={action}>
            {text}{' '}
            <Anchor component={Link} href={href} inherit>
              {action}
            </Anchor>
          </span>
        ))}
      </Stack>
    </Paper>
  )
}
