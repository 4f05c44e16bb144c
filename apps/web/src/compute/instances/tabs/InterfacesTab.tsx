'use client'
import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import type { InstanceView, WaitingPart } from '@stratolith/api/compute/contract'
import type { PortView } from '@stratolith/api/networking/contract'
import { IconNetworkOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { Loaded } from '../../../kit/Loaded.tsx'
import { paths } from '../../../kit/paths.ts'
import { StateBadge, type Tone } from '../../../kit/StateBadge.tsx'
import { useTRPC } from '../../../kit/trpc.ts'
import { CopyText } from '../../../ui/CopyText.tsx'
import { EmptyState } from '../../../ui/EmptyState.tsx'
import { Facts } from '../../../ui/Fact.tsx'
import { Section } from '../../../ui/Section.tsx'
import { useWaiting } from '../Waiting.tsx'
import { isUnderWay, whyText } from '../waiting-words.ts'

/** The ports of an instance, in every project the caller may see. */
export function usePortsOf(instanceId: string) {
  const trpc = useTRPC()
  return useQuery(
    trpc.networking.ports.list.queryOptions({ deviceId: instanceId, limit: 100, sortDir: 'asc' }),
  )
}

const tones: Record<PortView['state'], Tone> = { active: 'good', build: 'busy', down: 'off', error: 'bad' }

export function InterfacesTab({ view }: { view: InstanceView }) {
  const query = usePortsOf(view.id)
  const { shown } = useWaiting(view)
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <EmptyState
            icon={<IconNetworkOff size={28} />}
            title="No interfaces"
            text="It is on no network. While it is being built, they appear here in a moment."
          />
        ) : (
          <Stack gap="md">
            {items.map((port, index) => (
              <Interface
                key={port.id}
                port={port}
                index={index}
                waiting={shown.find(({ kind, thing }) => kind === 'port' && thing === port.id)}
              />
            ))}
          </Stack>
        )
      }
    </Loaded>
  )
}

/** `waiting`: what has not arrived of it. */
function Interface({
  port,
  index,
  waiting,
}: {
  port: PortView
  index: number
  waiting: WaitingPart | undefined
}) {
  return (
    <Section
      title={`Interface ${index + 1}: ${port.networkName}`}
      description={waiting && <NotArrived part={waiting} />}
      action={<StateBadge state={port.state} tone={tones[port.state]} detail={port.errorMessage} />}
    >
      <Facts
        items={[
          {
            label: 'Network',
            value: (
              <Anchor component={Link} size="sm" href={paths.network(port.networkId)}>
                {port.networkName}
              </Anchor>
            ),
          },
          { label: 'MAC', value: port.mac, copy: port.mac },
          {
            label: 'Addresses',
            value: (
              <Stack gap={2}>
                {port.addresses.map((one) => (
                  <Group key={one.address} gap="xs">
                    <CopyText value={one.address} />
                    {one.floatingIp && (
                      <Text size="sm" component="span">
                        public <CopyText value={one.floatingIp.address} />
                      </Text>
                    )}
                  </Group>
                ))}
              </Stack>
            ),
          },
          {
            label: 'Security groups',
            value: (
              <Group gap={4}>
                {port.securityGroups.map((group) => (
                  <Badge
                    key={group.id}
                    component={Link}
                    href={paths.securityGroup(group.id)}
                    variant="light"
                    tt="none"
                    style={{ cursor: 'pointer' }}
                  >
                    {group.name}
                  </Badge>
                ))}
                {port.securityGroups.length === 0 && 'none: nothing is let in'}
              </Group>
            ),
          },
          { label: 'Port ID', value: port.id, copy: port.id },
        ]}
      />
    </Section>
  )
}

function NotArrived({ part }: { part: WaitingPart }) {
  return (
    <Group gap="xs" role="note">
      <StateBadge
        state={part.wanted ? 'Not arrived on its host' : 'Not gone from its host'}
        tone={isUnderWay(part) ? 'busy' : 'bad'}
      />
      <Text size="sm" component="span">
        {whyText(part)}
      </Text>
    </Group>
  )
}
