'use client'
import { Select, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { RouterView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { routerGatewayCli, routerSubnetCli } from '../cli.ts'
import { useExternalNetworks, useNetworks } from '../lookups.ts'

type Props = { router: RouterView; opened: boolean; onClose: () => void }

/** Attaches a subnet of the router's own project on which the router is not yet. */
export function InterfaceForm({ router, opened, onClose }: Props) {
  const trpc = useTRPC()
  const { networks, ready } = useNetworks(router.projectId)
  const add = useMutation(trpc.networking.routers.addInterface.mutationOptions())
  const joined = new Set(router.interfaces.map((one) => one.subnetId))
  const choices = networks
    .filter((network) => !network.external && network.projectId === router.projectId)
    .flatMap((network) =>
      network.subnets
        .filter((subnet) => !joined.has(subnet.id))
        .map((subnet) => ({ value: subnet.id, label: `${network.name} · ${subnet.cidr}` })),
    )
  const form = useForm({
    initialValues: { subnetId: '' },
    validate: { subnetId: (id: string) => (id ? null : 'Choose a subnet.') },
  })
  return (
    <SidePanelForm
      needs={{ projectId: router.projectId }}
      title={`Attach a subnet to ${router.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ subnetId }) => {
        await add.mutateAsync({ id: router.id, subnetId })
        notify.started('Attaching the subnet')
      }}
      submitLabel="Attach"
      asCli={({ subnetId }) => routerSubnetCli('add', router.id, subnetId)}
    >
      <Select
        label="Subnet"
        description="The router takes the gateway address of the subnet."
        required
        data-autofocus
        searchable
        data={choices}
        nothingFoundMessage="No such subnet"
        {...form.getInputProps('subnetId')}
      />
      {ready && choices.length === 0 && (
        <Text size="sm" c="dimmed">
          Every subnet that you could attach is attached. Create a network first.
        </Text>
      )}
    </SidePanelForm>
  )
}

export function GatewayForm({ router, opened, onClose }: Props) {
  const trpc = useTRPC()
  const { networks, ready } = useExternalNetworks()
  const setGateway = useMutation(trpc.networking.routers.setGateway.mutationOptions())
  const form = useForm({ initialValues: { externalNetworkId: '' } })
  const chosen = (id: string): string => id || networks[0]?.id || ''
  return (
    <SidePanelForm
      needs={{ projectId: router.projectId }}
      title={`Set the gateway of ${router.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ externalNetworkId }) => {
        await setGateway.mutateAsync({ id: router.id, externalNetworkId: chosen(externalNetworkId) || null })
        notify.started('Setting the gateway')
      }}
      submitLabel="Set gateway"
      asCli={({ externalNetworkId }) => routerGatewayCli(router.id, chosen(externalNetworkId))}
    >
      <Select
        label="External network"
        description="The router gets an address of it and hides the instances behind that address."
        data-autofocus
        data={networks.map((network) => ({ value: network.id, label: network.name }))}
        allowDeselect={false}
        value={chosen(form.values.externalNetworkId)}
        onChange={(value) => form.setFieldValue('externalNetworkId', value ?? '')}
        error={
          ready && networks.length === 0
            ? 'This cloud has no external network. An administrator creates one.'
            : null
        }
      />
    </SidePanelForm>
  )
}
