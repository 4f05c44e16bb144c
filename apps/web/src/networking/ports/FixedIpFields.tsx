'use client'
import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import type { SubnetView } from '@stratolith/api/networking/contract'
import { IconPlus, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { type FixedIpLine, fixedIpProblems, mostAddresses, subnetLabel } from './port-form.ts'

/** The addresses of a port, one in a line: the subnet, and the address in it. */
export function FixedIpFields({
  lines,
  set,
  subnets,
  mayChoose,
  errors,
  none,
}: {
  lines: FixedIpLine[]
  set: (lines: FixedIpLine[]) => void
  subnets: readonly SubnetView[]
  /** False: the network belongs to another project, so the person may not choose an address. */
  mayChoose: boolean
  errors: Record<string, ReactNode>
  /** The text that says what it means to have no line. */
  none: string
}) {
  const live = fixedIpProblems(lines, subnets)
  const patch = (index: number, change: Partial<FixedIpLine>) =>
    set(lines.map((line, at) => (at === index ? { ...line, ...change } : line)))
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        Addresses
      </Text>
      {lines.length === 0 && (
        <Text size="xs" c="dimmed">
          {none}
        </Text>
      )}
      {lines.map((line, index) => {
        const field = `fixedIps.${index}.address`
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is nothing but its place
          <Group key={index} gap="xs" wrap="nowrap" align="flex-start">
            <Select
              flex={1}
              aria-label={`Subnet of address ${index + 1}`}
              data={subnets.map((subnet) => ({ value: subnet.id, label: subnetLabel(subnet) }))}
              allowDeselect={false}
              value={line.subnetId}
              onChange={(subnetId) => patch(index, { subnetId: subnetId ?? '' })}
            />
            <TextInput
              flex={1}
              aria-label={`Address ${index + 1}`}
              data-path={field}
              placeholder="Any that is free"
              autoComplete="off"
              spellCheck={false}
              disabled={!mayChoose && line.address === ''}
              value={line.address}
              onChange={(event) => patch(index, { address: event.currentTarget.value })}
              error={live[field] ?? errors[field]}
            />
            <ActionIcon
              mt={4}
              variant="subtle"
              color="gray"
              aria-label={`Take address ${index + 1} away`}
              onClick={() => set(lines.filter((_, at) => at !== index))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        )
      })}
      {errors.fixedIps && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {errors.fixedIps}
        </Text>
      )}
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          disabled={subnets.length === 0 || lines.length >= mostAddresses}
          onClick={() => set([...lines, { subnetId: subnets[0]?.id ?? '', address: '' }])}
        >
          Add an address
        </Button>
        {!mayChoose && (
          <Text size="xs" c="dimmed">
            Only the project that owns the network picks addresses; you get any that is free.
          </Text>
        )}
      </Group>
    </Stack>
  )
}
