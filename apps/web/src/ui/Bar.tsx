import { Group, Progress, Text } from '@mantine/core'

type Share = { used: number; limit: number; adds?: number }
const shareOf = ({ limit }: Share, n: number) => (limit <= 0 ? 0 : Math.min(100, (n / limit) * 100))
const isOver = ({ used, limit, adds = 0 }: Share) => limit >= 0 && used + adds > limit
const colorOf = (share: Share) => {
  const taken = shareOf(share, share.used + (share.adds ?? 0))
  return isOver(share) || taken >= 100 ? 'bad' : taken >= 80 ? 'warn' : 'var(--stratolith-bar)'
}

/** Shows the used share of a limit as a bar without text, for a row that has the numbers. */
export function ShareBar({ label, text, ...share }: Share & { label: string; text?: string }) {
  const { used, adds = 0 } = share
  const taken = shareOf(share, used)
  return (
    <Progress.Root size="sm" radius="xl">
      <Progress.Section
        value={taken}
        color={colorOf(share)}
        aria-label={`${label}: ${text ?? `${Math.round(taken)} percent`}`}
      />
      {adds > 0 && (
        <Progress.Section
          value={Math.min(shareOf(share, adds), 100 - taken)}
          color={colorOf(share)}
          opacity={0.5}
          aria-label={`${label}: this adds more`}
        />
      )}
    </Progress.Root>
  )
}

/**
 * Shows how much of a limit is used. `adds` is what the open form would add (shown lighter). A limit of -1 is "no
 * limit". `format` turns numbers into words; without it the number and `unit` are shown.
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
  /** True: without the label, which the heading of a table's column says already. */
  bare?: boolean
}) {
  const inUnits = format ?? ((n: number) => `${n.toLocaleString('en')}${unit ? ` ${unit}` : ''}`)
  const words = (n: number) => (n === 0 ? '0' : inUnits(n))
  const over = isOver({ used, limit, adds })
  const text = limit < 0 ? `${words(used)}, no limit` : `${words(used + adds)} of ${words(limit)}`
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap" mb={4}>
        {!bare && <Text size="sm">{label}</Text>}
        <Text size="sm" c={over ? 'bad' : 'dimmed'} style={{ whiteSpace: 'nowrap' }}>
          {text}
          {over ? ' (over the limit)' : ''}
        </Text>
      </Group>
      <ShareBar used={used} limit={limit} adds={adds} label={label} text={text} />
    </div>
  )
}
