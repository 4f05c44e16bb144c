'use client'
import { Button, Code, Group, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { FlavorView } from '@stratolith/api/compute/contract'
import { IconAdjustments, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { cloudError } from '../../kit/errors.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'

type Spec = { id: string; value: string }

/** What else the flavor says of its instances; the API refuses what it would not keep. */
export function ExtraSpecs({ flavor }: { flavor: FlavorView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const remove = useMutation(trpc.compute.flavors.removeSpec.mutationOptions())
  const set = useMutation(trpc.compute.flavors.setSpec.mutationOptions())
  const form = useForm({
    initialValues: { key: '', value: '' },
    validate: {
      key: (text) => (text.trim() ? null : 'Give it a key.'),
      value: (text) => (text.trim() ? null : 'Give it a value.'),
    },
  })
  const submit = async ({ key, value }: { key: string; value: string }) => {
    try {
      await set.mutateAsync({ id: flavor.id, key: key.trim(), value: value.trim() })
      form.reset()
      invalidateKind(client, 'flavor')
    } catch (error) {
      form.setFieldError(cloudError(error).field === 'value' ? 'value' : 'key', cloudError(error).message)
    }
  }
  return (
    <Section title="Extra specs" description="hw:disk is overlay or copy. Other keys are notes of yours.">
      <RowsTable<Spec>
        descriptor={{
          kind: 'flavor',
          noun: 'Extra spec',
          plural: 'Extra specs',
          name: ({ id }) => id,
          icon: <IconAdjustments size={28} />,
          columns: [
            { id: 'key', header: 'Key', cell: ({ id }) => <Code>{id}</Code> },
            { id: 'value', header: 'Value', cell: ({ value }) => <Code>{value}</Code> },
          ],
          empty: { title: '', text: '' },
        }}
        rows={Object.entries(flavor.extraSpecs).map(([id, value]) => ({ id, value }))}
        empty={
          <Text size="sm" c="dimmed">
            This flavor has no extra specs.
          </Text>
        }
        actions={[
          {
            id: 'remove',
            label: 'Remove',
            icon: <IconTrash size={16} />,
            danger: true,
            allowed: admin,
            run: ({ id }) => remove.mutateAsync({ id: flavor.id, key: id }),
            started: ([one]) => `Removed ${one?.id ?? ''}`,
            asCli: ({ id }) => shellLine('openstack', 'flavor', 'unset', '--property', id, flavor.id),
          },
        ]}
      />
      {admin() === true && (
        <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
          <Group align="flex-start" gap="xs" mt="md">
            <TextInput label="Key" placeholder="hw:disk" {...form.getInputProps('key')} />
            <TextInput label="Value" placeholder="copy" {...form.getInputProps('value')} />
            <Button type="submit" variant="default" loading={set.isPending} mt={25}>
              Set
            </Button>
          </Group>
        </form>
      )}
    </Section>
  )
}
