'use client'
import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { KeyPairCreated } from '@stratolith/api/compute/contract'
import { useMutation } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { cloudError, formErrors } from '../../kit/errors.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { emptyKeyPair, KeyPairFields, keyPairInput, keyPairProblems } from '../key-pairs/KeyPairFields.tsx'
import { downloadPrivateKey } from '../key-pairs/private-key.ts'

type NewProps = { onCancel: () => void; onMade: (pair: KeyPairCreated) => void }

/** Not a form element, because it is inside of one. Enter makes the key and does not launch. */
export function NewKeyPair({ onCancel, onMade }: NewProps) {
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
  // The button that opened the fields is gone, and the focus with it.
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => box.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus(), [])
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
    <Paper
      ref={box}
      withBorder
      p="sm"
      radius="md"
      role="group"
      aria-label="New key pair"
      onKeyDown={onKeyDown}
    >
      <Stack gap="sm">
        <KeyPairFields form={form} />
        {create.isError && !cloudError(create.error).field && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {cloudError(create.error).message}
          </Text>
        )}
        <Group gap="xs">
          <Button size="xs" loading={create.isPending} onClick={submit}>
            {form.values.how === 'generate' ? 'Create' : 'Import'}
          </Button>
          <Button size="xs" variant="subtle" onClick={onCancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Paper>
  )
}
