'use client'
import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import type { InstanceView, WaitingPart } from '@stratolith/api/compute/contract'
import { instanceCan } from '@stratolith/api/compute/states'
import type { Allowed } from '@stratolith/api/kernel/contract'
import type { PortView } from '@stratolith/api/networking/contract'
import { IconNetworkOff, IconPlus, IconWorld } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { confirm } from '../../../kit/confirm.tsx'
import { cloudError } from '../../../kit/errors.ts'
import { Loaded } from '../../../kit/Loaded.tsx'
import { lazyPanel } from '../../../kit/lazy-panel.tsx'
import { Link } from '../../../kit/navigation.tsx'
import { notify } from '../../../kit/notify.ts'
import { paths } from '../../../kit/paths.ts'
import { all, useMay } from '../../../kit/rights.ts'
import { StateBadge } from '../../../kit/StateBadge.tsx'
import { useElsewhere, useLook, useSession } from '../../../kit/session.ts'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { useUrlPanel } from '../../../kit/url-state.ts'
import { NetState } from '../../../networking/NetState.tsx'
import { CopyText } from '../../../ui/CopyText.tsx'
import { EmptyState } from '../../../ui/EmptyState.tsx'
import { Facts } from '../../../ui/Fact.tsx'
import { ReasonButton } from '../../../ui/ReasonButton.tsx'
import { Section } from '../../../ui/Section.tsx'
import { useInstanceForms } from '../forms/use-instance-forms.tsx'
import { asLockedFor } from '../lock-words.ts'
import { useFloatingIpAction } from '../use-instance-actions.tsx'
import { useWaiting } from '../Waiting.tsx'
import { isUnderWay, whyText } from '../waiting-words.ts'

/** Returns the ports of an instance, also of an instance of another project than the session's. */
export function usePortsOf({ id, projectId }: Pick<InstanceView, 'id' | 'projectId'>) {
  const trpc = useTRPC()
  const { allProjects } = useLook(projectId)
  return useQuery(
    trpc.networking.ports.list.queryOptions({ deviceId: id, limit: 100, sortDir: 'asc', allProjects }),
  )
}

const AttachForm = lazyPanel(() => import('../forms/AttachForm.tsx').then((m) => m.AttachForm))

export function InterfacesTab({ view }: { view: InstanceView }) {
  const query = usePortsOf(view)
  const may = useMay()
  const { isAdmin } = useSession()
  const panel = useUrlPanel('attach')
  const forms = useInstanceForms()
  const associate = useFloatingIpAction(forms.open)
  const elsewhere = useElsewhere(view.projectId)
  const allowed = all(may(), instanceCan.attach(asLockedFor(isAdmin, view)))
  const fromHere =
    !elsewhere || 'Switch to its project first: the networks are offered that you may use there.'
  return (
    <Stack gap="md">
      <Group justify="flex-end" gap="xs">
        <ReasonButton
          size="sm"
          variant="default"
          leftSection={<IconWorld size={16} />}
          allowed={associate.allowed(view)}
          onClick={() => associate.open?.(view)}
        >
          {associate.label}
        </ReasonButton>
        <ReasonButton
          size="sm"
          variant="default"
          leftSection={<IconPlus size={16} />}
          allowed={all(fromHere, allowed)}
          onClick={panel.open}
        >
          Attach interface
        </ReasonButton>
      </Group>
      <Interfaces view={view} query={query} allowed={allowed} />
      {forms.panels}
      {panel.opened && <AttachForm view={view} opened onClose={panel.close} />}
    </Stack>
  )
}

function Interfaces({
  view,
  query,
  allowed,
}: {
  view: InstanceView
  query: ReturnType<typeof usePortsOf>
  allowed: Allowed
}) {
  const { shown } = useWaiting(view)
  const detach = useDetach(view)
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
                view={view}
                port={port}
                index={index}
                waiting={shown.find(({ kind, thing }) => kind === 'port' && thing === port.id)}
                allowed={allowed}
                onDetach={() => void detach(port)}
              />
            ))}
          </Stack>
        )
      }
    </Loaded>
  )
}

/** `waiting`: the part of the interface that its host has not confirmed. */
function Interface({
  view,
  port,
  index,
  waiting,
  allowed,
  onDetach,
}: {
  view: InstanceView
  port: PortView
  index: number
  waiting: WaitingPart | undefined
  allowed: Allowed
  onDetach: () => void
}) {
  return (
    <Section
      title={`Interface ${index + 1}: ${port.networkName}`}
      description={waiting && <NotArrived part={waiting} />}
      action={
        <Group gap="sm">
          <NetState state={port.state} detail={port.errorMessage} />
          <ReasonButton size="xs" variant="default" allowed={allowed} onClick={onDetach}>
            Detach
          </ReasonButton>
        </Group>
      }
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
                    {one.floatingIp && <FloatingIp fip={one.floatingIp} view={view} />}
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

/** The floating IP that leads to an address, with a button to take it off; it stays with the project. */
function FloatingIp({ fip, view }: { fip: { id: string; address: string }; view: InstanceView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const may = useMay()
  const change = useMutation(
    trpc.networking.floatingIps.associate.mutationOptions({
      onSuccess() {
        invalidateKind(client, 'floatingIp')
        notify.started(`Disassociating ${fip.address}`)
      },
      onError: (error) => notify.failed(cloudError(error)),
    }),
  )
  const ask = async () => {
    const yes = await confirm({
      title: `Disassociate ${fip.address} from “${view.name}”?`,
      body: 'The instance is no longer reachable from outside. The address stays with the project.',
      confirmLabel: 'Disassociate',
    })
    if (yes) change.mutate({ id: fip.id, portId: null })
  }
  return (
    <>
      <Text size="sm" component="span">
        floating IP <CopyText value={fip.address} />
      </Text>
      <ReasonButton
        size="compact-xs"
        variant="default"
        loading={change.isPending}
        allowed={may()}
        onClick={() => void ask()}
      >
        Disassociate
      </ReasonButton>
    </>
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

/** Asks first, because people who are logged in over the interface lose their connection. */
function useDetach(view: InstanceView): (port: PortView) => Promise<void> {
  const trpc = useTRPC()
  const client = useQueryClient()
  const detach = useMutation(
    trpc.compute.instances.detachInterface.mutationOptions({
      onSuccess: () => invalidateKind(client, 'instance'),
      onError: (error) => notify.failed(cloudError(error)),
    }),
  )
  return async (port) => {
    const called = port.addresses[0]?.address ?? port.mac
    const yes = await confirm({
      title: `Detach ${called} from “${view.name}”?`,
      body: 'The guest loses this interface and its addresses; a port that was there before stays, without it. Connections over it break off.',
      confirmLabel: 'Detach',
      danger: true,
    })
    if (!yes) return
    const since = Date.now()
    detach.mutate(
      { id: view.id, portId: port.id },
      { onSuccess: () => notify.started(`Detaching ${called} from “${view.name}”`, [view.id], since) },
    )
  }
}
