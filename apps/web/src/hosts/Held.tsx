'use client'
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '../kit/trpc.ts'
import { Section } from '../ui/Section.tsx'
import { heldText } from './host-words.ts'
import { lookAgainMs } from './Unconfirmed.tsx'

/** What nobody else gets before the host has let go of it; nothing when there is none. */
export function Held({ hostId }: { hostId: string }) {
  const trpc = useTRPC()
  const { data } = useQuery({
    ...trpc.hosts.held.queryOptions({ id: hostId }),
    refetchInterval: lookAgainMs,
  })
  const text = data ? heldText(data) : null
  if (!text) return null
  return (
    <Section title="Still held">
      <Text size="sm">{text}</Text>
    </Section>
  )
}
