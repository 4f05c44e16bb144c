'use client'
import { Text } from '@mantine/core'
import type { NetworkView, RbacPolicyView } from '@stratolith/api/networking/contract'
import { IconFolderMinus, IconShare3 } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { ProjectName } from '../../directory/projects/ProjectName.tsx'
import { Ago } from '../../kit/Ago.tsx'
import type { ResourceAction, ResourceDescriptor } from '../../kit/descriptor.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { networkUnshareCli } from '../cli.ts'

const NetworkShareForm = lazyPanel(() =>
  import('./NetworkShareForm.tsx').then((module) => module.NetworkShareForm),
)

const everybody = '*'

const descriptor: ResourceDescriptor<RbacPolicyView> = {
  kind: 'network',
  noun: 'Project',
  plural: 'Projects that may use it',
  name: ({ targetProject }) => (targetProject === everybody ? 'every project' : targetProject),
  icon: <IconShare3 size={28} />,
  columns: [
    {
      id: 'project',
      header: 'Project',
      cell: ({ targetProject }) =>
        targetProject === everybody ? (
          <Text size="sm" fw={600}>
            Every project
          </Text>
        ) : (
          <ProjectName id={targetProject} unseen={targetProject} />
        ),
    },
    { id: 'since', header: 'Since', cell: ({ createdAt }) => <Ago iso={createdAt} /> },
  ],
  empty: {
    title: 'Shared with nobody',
    text: 'Its own project alone uses it. Share it, and another project can put instances on it.',
  },
}

/** The list of projects that may use a network beside its own: the policies of the network's owner. */
export function NetworkSharing({ network }: { network: NetworkView }) {
  const trpc = useTRPC()
  const may = useMay()
  const { isAdmin } = useSession()
  const panel = useUrlPanel('share')
  const policies = useQuery(trpc.networking.rbacPolicies.list.queryOptions({ networkId: network.id }))
  const remove = useMutation(trpc.networking.rbacPolicies.delete.mutationOptions())
  const takeBack: ResourceAction<RbacPolicyView> = {
    id: 'take-back',
    label: 'Share no longer',
    icon: <IconFolderMinus size={16} />,
    danger: true,
    allowed: ({ targetProject }) =>
      all(
        may(network.own),
        targetProject !== everybody ||
          isAdmin ||
          'Only an administrator decides about what every project may use.',
      ),
    confirm: () => ({
      title: 'Share it no longer?',
      body: (
        <Text size="sm">
          New ports cannot be made on it from there. It is refused while ports of such a project are on it.
        </Text>
      ),
      confirmLabel: 'Share no longer',
    }),
    run: ({ id }) => remove.mutateAsync({ id }),
    started: () => 'Shared no longer',
    asCli: ({ id }) => networkUnshareCli(id),
  }
  const share = (
    <ReasonButton
      size="xs"
      leftSection={<IconShare3 size={14} />}
      allowed={may(network.own)}
      onClick={panel.open}
    >
      Share
    </ReasonButton>
  )
  return (
    <Section
      title="Who may use it"
      description="Beside its own project. They put instances on it and see its subnets; they do not change it."
      action={share}
    >
      <Loaded query={policies}>
        {(rows: RbacPolicyView[]) => <RowsTable descriptor={descriptor} rows={rows} actions={[takeBack]} />}
      </Loaded>
      {panel.opened && <NetworkShareForm network={network} opened onClose={panel.close} />}
    </Section>
  )
}
