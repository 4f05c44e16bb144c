import { Stack, Text } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { gib, mib } from '../kit/format.ts'
import { Bar } from '../ui/Bar.tsx'
import { Hint } from '../ui/Hint.tsx'
import { ratioText } from './ratio.ts'

const amounts = [
  { key: 'vcpus', label: 'vCPU', format: (n: number) => n.toLocaleString('en') },
  { key: 'memoryMib', label: 'Memory', format: mib },
  { key: 'diskGib', label: 'Disk', format: gib },
] as const

type CapacityBarProps = { host: HostView; amount: (typeof amounts)[number]['key']; bare?: boolean }

/**
 * A bar of how much instances have claimed of the capacity that may be given out, and how this capacity relates to the
 * machine.
 */
export function CapacityBar({ host, amount, bare }: CapacityBarProps) {
  const { label, format } = amounts.find(({ key }) => key === amount) ?? amounts[0]
  const { used, total } = host[amount]
  return (
    <Hint
      label={`${format(total)} may be given out of the machine’s ${format(host.physical[amount])} (${ratioText(total, host.physical[amount])})`}
    >
      <div style={{ minWidth: 130 }}>
        <Bar used={used} limit={total} label={label} format={format} bare={bare} />
      </div>
    </Hint>
  )
}

/** The bars of all three amounts, with the allocation ratio in words. */
export function Capacity({ host }: { host: HostView }) {
  return (
    <Stack gap="sm">
      {amounts.map(({ key, format }) => (
        <div key={key}>
          <CapacityBar host={host} amount={key} />
          <Text size="xs" c="dimmed" mt={2}>
            The machine has {format(host.physical[key])}; allocation{' '}
            {ratioText(host[key].total, host.physical[key])}
          </Text>
        </div>
      ))}
    </Stack>
  )
}
