'use client'
import { ActionIcon, Button, Checkbox, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import type { VolumeTypeView } from '@stratolith/api/volumes/contract'
import { IconPlus, IconX } from '@tabler/icons-react'
import { randomToken } from '../../kit/random.ts'
import { typesFrom, usualType } from '../../volumes/origin.ts'
import { typeText } from '../../volumes/types/limit-words.ts'
import {
  type DiskRow,
  diskSizeProblem,
  isRootMade,
  isRootOnVolume,
  isSizedByItself,
  mostDisks,
} from './disks.ts'
import { FormSection } from './FormSection.tsx'
import type { LaunchFormApi } from './use-launch-form.ts'

type Props = {
  form: LaunchFormApi
  types: readonly VolumeTypeView[]
  /** The size that a new volume for the root disk has at first. */
  rootGib: number
  error: string | undefined
  rootError: string | undefined
}

/** The root disk as a volume, and further disks. */
export function DisksField({ form, types, rootGib, error, rootError }: Props) {
  const { source, rootVolume, rootGoes, disks } = form.values
  const set = (rows: DiskRow[]) => form.setFieldValue('disks', rows)
  return (
    <FormSection title="Disks" error={error}>
      <Stack gap="sm">
        {source === 'image' && (
          <Checkbox
            label="Create a volume for the root disk"
            description="A volume can outlive the instance, grow, and be copied. Otherwise the root disk has the size of the flavor’s."
            checked={rootVolume}
            onChange={({ currentTarget: { checked } }) => {
              form.setFieldValue('rootVolume', checked)
              if (checked && form.values.rootGib === '') form.setFieldValue('rootGib', rootGib)
            }}
          />
        )}
        {isRootMade(form.values) && <RootVolume form={form} types={types} error={rootError} />}
        {isRootOnVolume(form.values) && (
          <Checkbox
            label="Delete the root disk with the instance"
            checked={rootGoes}
            onChange={({ currentTarget: { checked } }) => form.setFieldValue('rootGoes', checked)}
          />
        )}
        {disks.map((disk, index) => (
          <ExtraDisk
            key={disk.id}
            disk={disk}
            name={`Disk ${index + 1}`}
            usualName={`${form.values.name.trim() || 'NAME'}-disk-${index + 1}`}
            types={types}
            onChange={(row) => set(disks.map((one) => (one.id === row.id ? row : one)))}
            onRemove={() => set(disks.filter(({ id }) => id !== disk.id))}
          />
        ))}
        <Group>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={16} />}
            disabled={disks.length >= mostDisks}
            onClick={() => set([...disks, { id: randomToken(), sizeGib: 10, goes: false }])}
          >
            Add a disk
          </Button>
        </Group>
      </Stack>
    </FormSection>
  )
}

function RootVolume({ form, types, error }: Pick<Props, 'form' | 'types'> & { error: string | undefined }) {
  const { source, rootGib, rootType } = form.values
  return (
    <Group align="flex-start" gap="sm">
      <TextInput
        type="number"
        w={160}
        label="Root disk size"
        rightSection="GiB"
        rightSectionWidth={44}
        min={1}
        placeholder={isSizedByItself(form.values.source) ? 'as before' : undefined}
        {...form.getInputProps('rootGib')}
        error={error}
      />
      <TypeChoice
        types={typesFrom(source, types)}
        usual={usualType(source, 'The default type')}
        value={rootType}
        sizeGib={rootGib}
        onChange={(type) => form.setFieldValue('rootType', type)}
      />
    </Group>
  )
}

/** Chooses among these types, and says what the chosen one means. Hidden when there is one alone. */
function TypeChoice({
  types,
  usual,
  value,
  sizeGib,
  onChange,
}: {
  types: readonly VolumeTypeView[]
  /** What nothing chosen means. */
  usual: string
  value: string | null
  sizeGib: number | string
  onChange: (type: string | null) => void
}) {
  const chosen = types.find(({ name }) => name === value)
  if (types.length < 2) return null
  return (
    <NativeSelect
      label="Type"
      data={[{ value: '', label: usual }, ...types.map(({ name }) => name)]}
      value={value ?? ''}
      description={chosen && typeText(chosen, Math.max(1, Number(sizeGib) || 1))}
      inputWrapperOrder={['label', 'input', 'description']}
      maw={320}
      onChange={({ currentTarget }) => onChange(currentTarget.value || null)}
    />
  )
}

function ExtraDisk({
  disk,
  name,
  usualName,
  types,
  onChange,
  onRemove,
}: {
  disk: DiskRow
  name: string
  /** What the volume is called when nobody gives it a name. */
  usualName: string
  types: readonly VolumeTypeView[]
  onChange: (disk: DiskRow) => void
  onRemove: () => void
}) {
  return (
    <Group align="flex-start" gap="sm" role="group" aria-label={name}>
      <TextInput
        type="number"
        w={160}
        label={`${name}, empty`}
        rightSection="GiB"
        rightSectionWidth={44}
        min={1}
        value={disk.sizeGib}
        onChange={({ currentTarget: { value } }) => onChange({ ...disk, sizeGib: value })}
        error={diskSizeProblem(disk.sizeGib)}
      />
      <TextInput
        w={160}
        label="Volume name"
        placeholder={usualName}
        maxLength={255}
        value={disk.name ?? ''}
        onChange={({ currentTarget: { value } }) => onChange({ ...disk, name: value })}
      />
      <TypeChoice
        types={types}
        usual="The default type"
        value={disk.type ?? null}
        sizeGib={disk.sizeGib}
        onChange={(type) => onChange({ ...disk, type })}
      />
      <Checkbox
        mt={28}
        label="Delete with the instance"
        checked={disk.goes}
        onChange={({ currentTarget: { checked } }) => onChange({ ...disk, goes: checked })}
      />
      <ActionIcon
        mt={26}
        variant="subtle"
        color="gray"
        aria-label={`Remove ${name.toLowerCase()}`}
        onClick={onRemove}
      >
        <IconX size={16} />
      </ActionIcon>
    </Group>
  )
}
