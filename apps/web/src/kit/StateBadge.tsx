import { Badge, Loader } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconPlayerStop, IconPlugConnectedX } from '@tabler/icons-react'
import { Hint } from '../ui/Hint.tsx'

export type Tone = 'good' | 'busy' | 'off' | 'warn' | 'bad'
const looks = {
  good: { color: 'teal', icon: <IconCircleCheck size={14} /> },
  busy: { color: 'blue', icon: <Loader size={10} color="currentColor" aria-hidden /> },
  off: { color: 'gray', icon: <IconPlayerStop size={14} /> },
  warn: { color: 'orange', icon: <IconPlugConnectedX size={14} /> },
  bad: { color: 'red', icon: <IconAlertTriangle size={14} /> },
} as const

/** A state in words with an icon; the colour only helps. `detail` is shown on hover. */
export function StateBadge({ state, tone, detail }: { state: string; tone: Tone; detail?: string | null }) {
  const { color, icon } = looks[tone]
  const badge = (
    <Badge
      variant="light"
      color={color}
      leftSection={icon}
      tt="none"
      fw={600}
      radius="sm"
      autoContrast
      miw="max-content"
    >
      {state}
    </Badge>
  )
  return detail ? <Hint label={detail}>{badge}</Hint> : badge
}
