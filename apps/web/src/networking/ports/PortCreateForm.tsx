'use client'
import { Select, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { portCreateCli } from '../cli.ts'
import { useNetworks, useSecurityGroups } from '../lookups.ts'
import { FilterFields } from './FilterFields.tsx'
import { FixedIpFields } from './FixedIpFields.tsx'
import { type FixedIpLine, fixedIpProblems, fixedIpsInput, groupsInput, ownerOfNewPort } from './port-form.ts'

type Values = {
  networkId: string
  name: string
  description: string
  fixedIps: FixedIpLine[]
  /** Null: the project's default group. */
  groupIds: string[] | null
  /** Null: the setting of the network. */
  portSecurity: boolean | null
  adminUp: boolean
}
const initial: Values = {
  networkId: '',
  name: '',
  description: '',
  fixedIps: [],
  groupIds: null,
  portSecurity: null,
  adminUp: true,
}

const securityOf = (network: NetworkView | undefined, { portSecurity }: Values): boolean =>
  portSecurity ?? network?.portSecurity ?? true

/** Returns sentences by field; empty when the values can be sent. */
const problemsOf = (network: NetworkView | undefined, { fixedIps }: Values, ready: boolean) =>
  network
    ? fixedIpProblems(fixedIps, network.subnets)
    : { networkId: ready ? 'Choose a network.' : 'A moment: the networks are being read.' }

function createInput(network: NetworkView, values: Values, projectId: string | undefined) {
  const { name, description, adminUp, fixedIps, groupIds } = values
  const portSecurity = securityOf(network, values)
  return {
    ...{ networkId: network.id, projectId, name, description, adminUp },
    fixedIps: fixedIps.length > 0 ? fixedIpsInput(fixedIps) : undefined,
    securityGroupIds: groupsInput({ portSecurity, groupIds }),
    portSecurity: values.portSecurity ?? undefined,
  }
}

/**
 * Returns the network for a new port, which is that of the page (`networkId`) or the one that the person has chosen, and
 * the project of a new port on it.
 */
function useTarget(networkId: string | undefined) {
  const trpc = useTRPC()
  const { isAdmin, project } = useSession()
  const given = useQuery(
    trpc.networking.networks.get.queryOptions({ id: networkId ?? '' }, { enabled: networkId !== undefined }),
  ).data
  const { networks, ready } = useNetworks()
  const usable = networks.filter((network) => !network.external || isAdmin)
  const networkOf = (values: Pick<Values, 'networkId'>) =>
    networkId === undefined ? (usable.find(({ id }) => id === values.networkId) ?? usable[0]) : given
  const ownerOn = (network: NetworkView) => ownerOfNewPort(network, project?.id ?? null)
  return { networkOf, ownerOn, usable, ready, isAdmin }
}

const cliOf = (on: NetworkView | undefined, values: Values): string =>
  portCreateCli(on?.name ?? '', {
    ...values,
    portSecurity: securityOf(on, values),
    groups: values.groupIds,
  })

/** The form for a port without an instance, on this network (`networkId`) or on one to choose. */
export function PortCreateForm({
  networkId,
  opened,
  onClose,
}: {
  networkId?: string
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const navigate = useRouter()
  const { networkOf, ownerOn, usable, ready, isAdmin } = useTarget(networkId)
  const create = useMutation(trpc.networking.ports.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: initial,
    validate: (values) => problemsOf(networkOf(values), values, ready),
  })
  const network = networkOf(form.values)
  const owner = network && ownerOn(network)
  const { groups } = useSecurityGroups(owner)
  const mayChoose = network === undefined || network.own || isAdmin
  const submit = async (values: Values) => {
    const on = networkOf(values)
    if (!on) return
    const port = await create.mutateAsync(createInput(on, values, ownerOn(on)))
    notify.done(`Port ${port.addresses[0]?.address ?? port.mac} is made`)
    return () => navigate.push(paths.port(port.id))
  }
  return (
    <SidePanelForm
      needs="member"
      title={networkId && network ? `Create port on ${network.name}` : 'Create port'}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Create"
      asCli={(values) => cliOf(networkOf(values), values)}
    >
      {!networkId && (
        <Select
          label="Network"
          required
          openOnFocus={false}
          data-path="networkId"
          searchable
          data={usable.map(({ id, name }) => ({ value: id, label: name }))}
          allowDeselect={false}
          value={network?.id ?? null}
          onChange={(value) => form.setValues({ networkId: value ?? '', fixedIps: [] })}
          error={form.errors.networkId}
          nothingFoundMessage="No such network"
        />
      )}
      <TextInput label="Name" maxLength={255} {...form.getInputProps('name')} />
      <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
      <FixedIpFields
        lines={form.values.fixedIps}
        set={(fixedIps) => form.setFieldValue('fixedIps', fixedIps)}
        subnets={network?.subnets ?? []}
        mayChoose={mayChoose}
        errors={form.errors}
        none="It gets any free address of the first subnet."
      />
      <FilterFields
        values={{ adminUp: form.values.adminUp, portSecurity: securityOf(network, form.values) }}
        set={form.setValues}
        groups={groups}
        groupIds={form.values.groupIds ?? []}
        setGroups={(ids) => form.setFieldValue('groupIds', ids.length > 0 ? ids : null)}
        mayChoose={mayChoose}
        none="None chosen: it is in the project’s default group."
      />
    </SidePanelForm>
  )
}
