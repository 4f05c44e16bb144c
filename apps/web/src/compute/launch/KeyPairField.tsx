'use client'
import { Button, Group, Paper, Select, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { KeyPairCreated, KeyPairView } from '@stratolith/api/compute/contract'
import { IconPlus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type KeyboardEvent, useState } from 'react'
import { cloudError, formErrors } from '../../kit/errors.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { emptyKeyPair, KeyPairFields, keyPairInput, keyPairProblems } from '../key-pairs/KeyPairFields.tsx'
import { downloadPrivateKey, PrivateKeyOnce } from '../key-pairs/PrivateKeyOnce.tsx'
import { FormSection } from './FormSection.tsx'

type Props = {
  keyPairs: KeyPairView[]
  value: string | null
  onChange: (name: string | null) => void
  error?: string
}

/** Choose a key pair, or make one without leaving the form; the new one is chosen at once. */
export function KeyPairField({ keyPairs, value, onChange, error }: Props) {
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<KeyPairCreated | null>(null)
  const names = [...new Set([...(made ? [made.name] : []), ...keyPairs.map((pair) => pair.name)])]
  return (
    <FormSection id="access" title="Key pair">
      <Stack gap="sm">
        <Group align="flex-end" gap="sm" wrap="wrap">
          <Select
            flex="1 1 200px"
            label="Log in with"
            placeholder="No key: log in with the image’s own password"
            data={names}
            value={value}
            onChange={onChange}
            clearable
            searchable={names.length > 6}
            error={error}
          />
          {!adding && (
            <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
              New key pair
            </Button>
          )}
        </Group>
        {adding && (
          <NewKeyPair
            onCancel={() => setAdding(false)}
            onMade={(pair) => {
              setAdding(false)
              setMade(pair.privateKey ? pair : null)
              onChange(pair.name)
            }}
          />
        )}
        {made && <PrivateKeyOnce pair={made} onDone={() => setMade(null)} />}
      </Stack>
    </FormSection>
  )
}

type NewProps = { onCancel: () => void; onMade: (pair: KeyPairCreated) => void }

/** Not a form element: it lives inside of one. Enter makes the key and does not launch. */
function NewKeyPair({ onCancel, onMade }: NewProps) {
  const trpc = useTRPC()
  const form = useForm({ initialValues: emptyKeyPair, validate: keyPairProblems })
  const create = useMutation(
    trpc.compute.keyPairs.create.mutationOptions({
      onSuccess(pair) {
        if (pair.privateKey) downloadPrivateKey(pair)
        onMade(pair)
      },
      onError: (error) => form.setErrors(formErrors(error)),
    }),
  )
  const submit = () => {
    if (!form.validate().hasErrors) create.mutate(keyPairInput(form.getValues()))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onCancel()
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return
    event.preventDefault()
    submit()
  }
  return (
    <Paper withBorder p="sm" radius="md" role="group" aria-label="New key pair" onKeyDown={onKeyDown}>
      <Stack gap="sm">
        <KeyPairFields form={form} />
        {create.isError && !cloudError(create.error).field && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {cloudError(create.error).message}
          </Text>
        )}
        <Group gap="xs">
          <Button size="xs" loading={create.isPending} onClick={submit}>
            {form.values.how === 'generate' ? 'Make the pair' : 'Import the key'}
          </Button>
          <Button size="xs" variant="subtle" onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Paper>
  )
}
