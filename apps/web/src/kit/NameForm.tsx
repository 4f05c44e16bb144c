'use client'
import { Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ReactNode } from 'react'
import type { Right } from './rights.ts'
import { SidePanelForm } from './SidePanelForm.tsx'

export type NameValues = { name: string; description: string }

/** The panel that edits a name and a description; `fixedName` says why the name cannot change. */
export function NameForm({
  title,
  needs,
  opened,
  onClose,
  initial = { name: '', description: '' },
  fixedName,
  submitLabel,
  onSubmit,
  asCli,
  children,
}: {
  title: string
  needs: Right
  opened: boolean
  onClose: () => void
  initial?: NameValues
  fixedName?: string
  submitLabel: string
  onSubmit: (values: NameValues) => Promise<unknown>
  asCli: (values: NameValues) => string
  children?: ReactNode
}) {
  const form = useForm<NameValues>({
    initialValues: { name: initial.name, description: initial.description },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  return (
    <SidePanelForm
      title={title}
      needs={needs}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={onSubmit}
      submitLabel={submitLabel}
      asCli={asCli}
    >
      <TextInput
        label="Name"
        required
        data-autofocus
        disabled={fixedName !== undefined}
        description={fixedName}
        {...form.getInputProps('name')}
      />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      {children}
    </SidePanelForm>
  )
}
