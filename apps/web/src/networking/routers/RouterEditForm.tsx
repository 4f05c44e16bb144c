'use client'
import { Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { RouterView } from '@stratolith/api/networking/contract'
import { useMutation } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { routerSetCli } from '../cli.ts'

export function RouterEditForm({
  router,
  opened,
  onClose,
}: {
  router: RouterView
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const update = useMutation(trpc.networking.routers.update.mutationOptions())
  const { name, description, adminUp } = router
  const form = useForm({
    initialValues: { name, description, adminUp },
    validate: { name: (text: string) => (text.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      needs={{ projectId: router.projectId }}
      title={`Edit ${router.name}`}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        await update.mutateAsync({ id: router.id, ...values })
        notify.started(`Changing router ${values.name}`)
      }}
      submitLabel="Save"
      asCli={(values) => routerSetCli(router.id, values)}
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
        label="Switched on"
        description="A router that is switched off carries nothing between its networks and the outside."
        {...form.getInputProps('adminUp', { type: 'checkbox' })}
      />
    </SidePanelForm>
  )
}
