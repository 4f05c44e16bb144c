'use client'
import {
  ActionIcon,
  Button,
  FileButton,
  Group,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { IconFileUpload, IconPlus, IconTrash } from '@tabler/icons-react'
import { randomToken } from '../../kit/random.ts'
import { ConfigDriveFields, PlacementFields } from './PlacementFields.tsx'
import type { LaunchFormApi } from './use-launch-form.ts'

export function AdvancedBody({ form }: { form: LaunchFormApi }) {
  return (
    <Stack gap="md">
      <PlacementFields form={form} />
      <TagsInput
        label="Tags"
        description="Words to find it by. No comma, no slash."
        placeholder="Type a tag and press Enter"
        splitChars={[]}
        {...form.getInputProps('tags')}
      />
      <UserDataField form={form} />
      <MetadataField form={form} />
      <TextInput label="Description" maxLength={1000} {...form.getInputProps('description')} />
      <ConfigDriveFields form={form} />
    </Stack>
  )
}

function UserDataField({ form }: { form: LaunchFormApi }) {
  return (
    <Stack gap="xs">
      <Textarea
        label="User data"
        description="A cloud-init document (#cloud-config) or a script (#!/bin/sh) that the guest runs at its first boot. At most 64 KiB; readable by everything inside of the guest, so no secrets."
        placeholder={'#cloud-config\npackages: [nginx]'}
        autosize
        minRows={4}
        maxRows={16}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        {...form.getInputProps('userData')}
      />
      <Group>
        <FileButton
          onChange={(file) => void file?.text().then((text) => form.setFieldValue('userData', text))}
        >
          {(props) => (
            <Button size="xs" variant="default" leftSection={<IconFileUpload size={14} />} {...props}>
              Choose a file
            </Button>
          )}
        </FileButton>
      </Group>
    </Stack>
  )
}

function MetadataField({ form }: { form: LaunchFormApi }) {
  const rows = form.values.metadata
  return (
    <Stack gap="xs" role="group" aria-label="Metadata">
      <Text size="sm" fw={500}>
        Metadata
      </Text>
      {rows.map((row, index) => (
        <Group key={row.id} gap="xs" wrap="nowrap">
          <TextInput
            flex={1}
            aria-label={`Key ${index + 1}`}
            placeholder="key"
            maxLength={255}
            {...form.getInputProps(`metadata.${index}.key`)}
          />
          <TextInput
            flex={2}
            aria-label={`Value ${index + 1}`}
            placeholder="value"
            maxLength={255}
            {...form.getInputProps(`metadata.${index}.value`)}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove entry ${index + 1}`}
            onClick={() => form.removeListItem('metadata', index)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          disabled={rows.length >= 128}
          onClick={() => form.insertListItem('metadata', { id: randomToken(), key: '', value: '' })}
        >
          Add an entry
        </Button>
      </Group>
      {form.errors.metadata && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {form.errors.metadata}
        </Text>
      )}
    </Stack>
  )
}
