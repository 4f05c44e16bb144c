'use client'
import { Select, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { routerCreateCli, routerSubnetCli } from '../cli.ts'
import { freeName } from '../free-name.ts'
import { useExternalNetworks, useRouters } from '../lookups.ts'

/** The choice that makes a new router first. */
const newRouter = 'new'

/** Attaches a subnet of the network to an existing router, or to a new one with a gateway. */
export function ConnectForm({
  network,
  opened,
  onClose,
}: {
  network: NetworkView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { routers } = useRouters(network.projectId)
  // The new router for a network of another project is made in that project.
  const projectId = network.own ? undefined : network.projectId
  const outside = useExternalNetworks().networks[0] ?? null
  const create = useMutation(trpc.networking.routers.create.mutationOptions())
  const attach = useMutation(trpc.networking.routers.addInterface.mutationOptions())
  const form = useForm<{ router: string; subnetId: string }>({
    initialValues: { router: '', subnetId: '' },
  })
  const name = freeName(
    `${network.name}-router`,
    routers.map((router) => router.name),
  )
  const chosen = (value: string): string => value || routers[0]?.id || newRouter
  const subnetOf = (value: string): string => value || network.subnets[0]?.id || ''
  const submit = async (values: { router: string; subnetId: string }) => {
    const choice = chosen(values.router)
    const router =
      choice === newRouter
        ? await create.mutateAsync({ name, projectId, externalNetworkId: outside?.id ?? null })
        : { id: choice }
    // The new router is chosen from now on, so that a second try after a failure makes no second router.
    form.setFieldValue('router', router.id)
    await attach.mutateAsync({ id: router.id, subnetId: subnetOf(values.subnetId) })
    notify.started(`Connecting ${network.name}`)
  }
  const cli = (values: { router: string; subnetId: string }): string => {
    const choice = chosen(values.router)
    const subnet = network.subnets.find(({ id }) => id === subnetOf(values.subnetId))
    const target = choice === newRouter ? name : (routers.find(({ id }) => id === choice)?.name ?? choice)
    const add = routerSubnetCli('add', target, subnet?.name || subnet?.id || '')
    return choice === newRouter
      ? `${routerCreateCli({ name, description: '', projectId }, outside?.name ?? null)}\n${add}`
      : add
  }
  const choices = [
    ...routers.map((router) => ({
      value: router.id,
      label: `${router.name} (${router.external ? `leads out to ${router.external.networkName}` : 'no gateway'})`,
    })),
    { value: newRouter, label: `New: ${name}${outside ? ` (leads out to ${outside.name})` : ''}` },
  ]
  return (
    <SidePanelForm
      needs={{ own: network.own }}
      title={`Connect ${network.name} to a router`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Connect"
      asCli={cli}
    >
      <Select
        label="Router"
        data-autofocus
        data={choices}
        allowDeselect={false}
        value={chosen(form.values.router)}
        onChange={(value) => form.setFieldValue('router', value ?? '')}
      />
      <Select
        label="Subnet"
        data={network.subnets.map((subnet) => ({
          value: subnet.id,
          label: subnet.name ? `${subnet.cidr} (${subnet.name})` : subnet.cidr,
        }))}
        allowDeselect={false}
        value={subnetOf(form.values.subnetId)}
        onChange={(value) => form.setFieldValue('subnetId', value ?? '')}
      />
      {!outside && (
        <Text size="sm" c="dimmed">
          This cloud has no external network, so a new router would join networks but not lead out.
        </Text>
      )}
    </SidePanelForm>
  )
}
