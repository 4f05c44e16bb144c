'use client'
import { Alert, Anchor, Stack } from '@mantine/core'
import { IconBulb } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '../kit/navigation.tsx'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
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
    <Alert variant="light" color="warn" icon={<IconBulb size={20} />} aria-label="Hints" role="region">
      <Stack gap={4} c="var(--mantine-color-text)" fz="sm">
        {hints.map(({ text, action, href }) => (
          <span key={action}>
            {text}{' '}
            <Anchor component={Link} href={href} inherit underline="always" c="var(--mantine-color-text)">
              {action}
            </Anchor>
          </span>
        ))}
      </Stack>
    </Alert>
  )
}
