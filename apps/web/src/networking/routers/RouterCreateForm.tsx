'use client'
import { Select, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { routerCreateCli } from '../cli.ts'
import { useExternalNetworks } from '../lookups.ts'

/** The choice of a router that leads nowhere and only joins networks. */
const none = 'none'

export function RouterCreateForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const trpc = useTRPC()
  const navigate = useRouter()
  const { networks } = useExternalNetworks()
  const create = useMutation(trpc.networking.routers.create.mutationOptions())
  const form = useForm({
    initialValues: { name: '', description: '', external: '' },
    validate: { name: (name: string) => (name.trim() ? null : 'Give it a name.') },
  })
  const chosen = (external: string): string => external || networks[0]?.id || none
  const externalOf = (external: string) => networks.find(({ id }) => id === chosen(external)) ?? null
  return (
    <SidePanelForm
      needs="member"
      title="Create router"
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async ({ name, description, external }) => {
        const router = await create.mutateAsync({
          name,
          description,
          externalNetworkId: externalOf(external)?.id ?? null,
        })
        notify.started(`Building router ${router.name}`)
        return () => navigate.push(paths.router(router.id))
      }}
      submitLabel="Create"
      asCli={(values) => routerCreateCli(values, externalOf(values.external)?.name ?? null)}
    >
      <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={1}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      <Select
        label="Gateway"
        description="The external network to which it leads"
        data={[
          ...networks.map((network) => ({ value: network.id, label: network.name })),
          { value: none, label: 'None: it only joins networks' },
        ]}
        allowDeselect={false}
        value={chosen(form.values.external)}
        onChange={(value) => form.setFieldValue('external', value ?? none)}
      />
    </SidePanelForm>
  )
}
