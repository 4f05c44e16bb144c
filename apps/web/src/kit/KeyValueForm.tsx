'use client'
import { Button, Group, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { AsCode } from './AsCode.tsx'
import { cloudError } from './errors.ts'
import type { Item, KeyValuesProps } from './KeyValues.tsx'
import { rereadKind } from './stale.ts'

/** Adds an item to a list of keys and values, or changes the edited one. */
export function KeyValueForm({
  kind,
  items,
  set,
  setCli,
  example,
  mayBeEmpty = false,
  edited,
  onDone,
}: KeyValuesProps & { edited: Item | null; onDone: () => void }) {
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const form = useForm({
    initialValues: { key: edited?.id ?? '', value: edited?.value ?? '' },
    validate: {
      key: (text) => (text.trim() ? null : 'Give it a key.'),
      value: (text) => (mayBeEmpty || text.trim() ? null : 'Give it a value.'),
    },
  })
  const key = form.values.key.trim()
  const submit = async () => {
    setBusy(true)
    try {
      await set(key, form.values.value.trim())
      await rereadKind(client, kind)
      form.reset()
      onDone()
    } catch (error) {
      const { field, message } = cloudError(error)
      form.setFieldError(field === 'value' ? 'value' : 'key', message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={form.onSubmit(() => void submit())} noValidate>
      <Group align="flex-start" gap="xs">
        <TextInput
          label="Key"
          placeholder={example.key}
          disabled={edited !== null}
          {...form.getInputProps('key')}
        />
        <TextInput
          label="Value"
          placeholder={example.value}
          autoFocus={edited !== null}
          {...form.getInputProps('value')}
        />
        <Button type="submit" variant="default" loading={busy} mt={25}>
          {Object.hasOwn(items, key) ? 'Change' : 'Add'}
        </Button>
        {edited && (
          <Button variant="subtle" mt={25} onClick={onDone}>
            Cancel
          </Button>
        )}
      </Group>
      {key && (
        <Group mt="xs" grow>
          <AsCode cli={setCli(key, form.values.value.trim())} />
        </Group>
      )}
    </form>
  )
}
