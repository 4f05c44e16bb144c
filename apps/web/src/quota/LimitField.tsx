'use client'
import { Fieldset, Group, SegmentedControl, Text } from '@mantine/core'
import type { QuotaResource } from '@stratolith/api/kernel/contract'
import { NumberField } from '../kit/NumberField.tsx'
import { type LimitValue, limitProblem } from './limit-values.ts'
import { quotaWords } from './words.ts'

/** A field for one limit: the default, a number, or no limit. `usual` is the default's number. */
export function LimitField({
  resource,
  usual,
  used,
  value,
  onChange,
}: {
  resource: QuotaResource
  usual: number
  used?: number
  value: LimitValue
  onChange: (value: LimitValue) => void
}) {
  const { label, format, unit } = quotaWords[resource]
  const words = (n: number) => (n < 0 ? 'unlimited' : format ? format(n) : n.toLocaleString('en'))
  const below =
    value.mode === 'limit' && used !== undefined && Number(value.limit) < used
      ? `Below the ${words(used)} in use: what is there stays, nothing new comes.`
      : null
  return (
    <Fieldset variant="unstyled" aria-label={label}>
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="sm" fw={500}>
          {label}
        </Text>
        {used !== undefined && (
          <Text size="xs" c="dimmed">
            {words(used)} in use
          </Text>
        )}
      </Group>
      <Group gap="xs" align="flex-start">
        <SegmentedControl
          size="xs"
          aria-label={`Kind of limit: ${label}`}
          data={[
            { value: 'default', label: `Default: ${words(usual)}` },
            { value: 'limit', label: 'Limit' },
            { value: 'unlimited', label: 'Unlimited' },
          ]}
          value={value.mode}
          onChange={(mode) =>
            onChange({ ...value, mode: mode === 'limit' || mode === 'unlimited' ? mode : 'default' })
          }
        />
        {value.mode === 'limit' && (
          <NumberField
            size="xs"
            w={130}
            aria-label={`Limit: ${label}`}
            suffix={unit}
            value={value.limit}
            onChange={(limit) => onChange({ ...value, limit })}
            error={limitProblem(value)}
          />
        )}
      </Group>
      {below && (
        <Text size="xs" c="var(--mantine-color-orange-light-color)" mt={4}>
          {below}
        </Text>
      )}
    </Fieldset>
  )
}
