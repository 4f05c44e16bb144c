import { Group, Progress, Text } from '@mantine/core'

/**
 * How much of a limit is used. `adds` is what the form at hand would add (shown lighter). A limit of
 * -1 is "no limit". `format` turns numbers into words; default is the number and `unit`.
 */
export function Bar({
  used,
  limit,
  label,
  unit = '',
  adds = 0,
  format,
  bare = false,
}: {
  used: number
  limit: number
  label: string
  unit?: string
  adds?: number
  format?: (n: number) => string
  /** Without the label: a table's column says it already. */
  bare?: boolean
}) {
  const inUnits = format ?? ((n: number) => `${n.toLocaleString('en')}${unit ? ` ${unit}` : ''}`)
  const words = (n: number) => (n === 0 ? '0' : inUnits(n))
  const unlimited = limit < 0
  const share = (n: number) => (unlimited || limit === 0 ? 0 : Math.min(100, (n / limit) * 100))
  const full = !unlimited && used + adds > limit
  const color = full || share(used + adds) >= 100 ? 'bad' : share(used + adds) >= 80 ? 'warn' : undefined
  const text = unlimited ? `${words(used)}, no limit` : `${words(used + adds)} of ${words(limit)}`
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap" mb={4}>
        {!bare && <Text size="sm">{label}</Text>}
        <Text size="sm" c={full ? 'bad' : 'dimmed'} style={{ whiteSpace: 'nowrap' }}>
          {text}
          {full ? ' (over the limit)' : ''}
        </Text>
      </Group>
      <Progress.Root size="sm" radius="xl">
        <Progress.Section value={share(used)} color={color} aria-label={`${label}: ${text}`} />
        {adds > 0 && (
          <Progress.Section
            value={Math.min(share(adds), 100 - share(used))}
            color={color}
            opacity={0.5}
            aria-label={`${label}: this adds ${words(adds)}`}
          />
        )}
      </Progress.Root>
    </div>
  )
}
