'use client'
import { Alert, Anchor, Group, Stack } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useGuarded, useRunAction } from '../../kit/actions.tsx'
import { type ResourceAction, removes } from '../../kit/descriptor.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useSession } from '../../kit/session.ts'
import { dangerText } from '../../kit/theme.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Facts } from '../../ui/Fact.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Addresses } from './Addresses.tsx'
import { instanceDescriptor, instanceFacts } from './descriptor.tsx'
import { InstanceState } from './InstanceState.tsx'
import { MachineNotice } from './Machine.tsx'

/** Facts of an instance and quick actions on it. */
export function InstancePanelContent({
  id,
  actions,
  onRemoved,
}: {
  id: string
  actions: ResourceAction<InstanceView>[]
  onRemoved: () => void
}) {
  const trpc = useTRPC()
  const query = useQuery(trpc.compute.instances.get.queryOptions({ id }))
  const runAction = useRunAction(instanceDescriptor)
  const able = actions.map(useGuarded<InstanceView>(instanceDescriptor.kind))
  const run = async (action: ResourceAction<InstanceView>, view: InstanceView) => {
    if ((await runAction(action, [view])) && removes(action)) onRemoved()
  }
  const session = useSession()
  return (
    <Loaded query={query}>
      {(view) => (
        <Stack gap="md">
          <Group gap="sm" justify="space-between">
            <Anchor
              component={Link}
              href={paths.instance(view.id)}
              fw={600}
              style={{ overflowWrap: 'anywhere' }}
            >
              {view.name}
            </Anchor>
            <InstanceState view={view} />
          </Group>
          {view.fault && (
            <Alert color="bad" variant="light" icon={<IconAlertTriangle />} title={view.fault.message} />
          )}
          <MachineNotice view={view} />
          <Group gap="xs">
            {able.map((action) => (
              <ReasonButton
                key={action.id}
                size="xs"
                variant="default"
                c={action.danger && action.allowed(view) === true ? dangerText : undefined}
                leftSection={action.icon}
                allowed={action.allowed(view)}
                onClick={() => void run(action, view)}
              >
                {action.label}
              </ReasonButton>
            ))}
          </Group>
          <Facts
            items={[
              { label: 'Addresses', value: <Addresses addresses={view.addresses} /> },
              ...instanceFacts(view, session),
            ]}
          />
          <Group gap="md">
            <Anchor component={Link} size="sm" href={paths.instance(view.id, 'serial')}>
              Serial console
            </Anchor>
            <Anchor component={Link} size="sm" href={paths.instance(view.id, 'vnc')}>
              VNC console
            </Anchor>
            <Anchor component={Link} size="sm" href={paths.instance(view.id, 'log')}>
              Log
            </Anchor>
          </Group>
        </Stack>
      )}
    </Loaded>
  )
}
