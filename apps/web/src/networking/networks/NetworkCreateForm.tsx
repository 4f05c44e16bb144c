'use client'
import { Checkbox, Fieldset, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { suggestCidr } from '../cidr.ts'
import { networkCreateCli } from '../cli.ts'
import { useNetworks } from '../lookups.ts'
import {
  SubnetFields,
  type SubnetFormValues,
  subnetInitial,
  subnetInput,
  subnetProblems,
  subnetValues,
} from '../SubnetFields.tsx'

type Values = SubnetFormValues & {
  name: string
  description: string
  external: boolean
  shared: boolean
  withSubnet: boolean
}
const initial: Values = {
  ...subnetInitial,
  name: '',
  description: '',
  external: false,
  shared: false,
  withSubnet: true,
}
const mtu = 1500

/** The form for a network with its first subnet. The range is suggested, so that a name and Enter are enough. */
export function NetworkCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const router = useRouter()
  const { isAdmin } = useSession()
  const { networks, ready } = useNetworks()
  const taken = networks.flatMap((network) => network.subnets.map((subnet) => subnet.cidr))
  const suggestion = ready ? suggestCidr(taken) : ''
  const create = useMutation(trpc.networking.networks.create.mutationOptions())
  const form = useForm<Values>({
    initialValues: initial,
    validate: (values) => ({
      ...(values.name.trim() ? {} : { name: 'Give it a name.' }),
      ...(values.withSubnet ? subnetProblems(values, suggestion) : {}),
    }),
  })
  const submit = async (values: Values) => {
    const { name, description, external, shared, withSubnet } = values
    const subnet = withSubnet
      ? { name: `${name.trim()}-subnet`, ...subnetInput(subnetValues(values, suggestion)) }
      : undefined
    const network = await create.mutateAsync({ name, description, external, shared, mtu, subnet })
    notify.done(`Network ${network.name} is made`)
    return () => router.push(paths.network(network.id))
  }
  return (
    <SidePanelForm
      needs="member"
      title="Create network"
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={submit}
      submitLabel="Create"
      asCli={(values) =>
        networkCreateCli({ ...values, mtu }, values.withSubnet ? subnetValues(values, suggestion) : null)
      }
    >
      <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={1}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Switch
        label="With a subnet"
        description="Without one it gives no addresses."
        {...form.getInputProps('withSubnet', { type: 'checkbox' })}
      />
      {form.values.withSubnet && (
        <Fieldset legend="Subnet">
          <SubnetFields
            values={form.values}
            set={form.setValues}
            errors={form.errors}
            suggestion={suggestion}
            others={taken}
          />
        </Fieldset>
      )}
      {isAdmin && <AdminFields form={form} />}
    </SidePanelForm>
  )
}

function AdminFields({ form }: { form: UseFormReturnType<Values> }) {
  return (
    <Stack gap="xs">
      <Checkbox
        label="Shared"
        description="Every project can put instances on it."
        {...form.getInputProps('shared', { type: 'checkbox' })}
      />
      <Checkbox
        label="External"
        description="It leads out of the cloud: floating IPs and gateways of routers come from it."
        {...form.getInputProps('external', { type: 'checkbox' })}
      />
    </Stack>
  )
}
