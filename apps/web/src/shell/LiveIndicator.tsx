'use client'
import { Group, Text } from '@mantine/core'
import { IconPlugConnectedX, IconRefresh, IconWifi } from '@tabler/icons-react'
import { useLiveState } from '../kit/live.tsx'
import { Hint } from '../ui/Hint.tsx'

const looks = {
  live: {
    text: 'Live',
    color: 'good',
    icon: <IconWifi size={16} />,
    detail: 'Changes appear by themselves, whoever makes them.',
  },
  connecting: {
    text: 'Connecting',
    color: 'dimmed',
    icon: <IconRefresh size={16} />,
    detail: 'Connecting to the stream of changes.',
  },
  offline: {
    text: 'Offline',
    color: 'bad',
    icon: <IconPlugConnectedX size={16} />,
    detail: 'The portal does not answer; what you see may be old. We keep trying.',
  },
} as const

/** Shows whether this page follows the event stream of the cloud. */
export function LiveIndicator() {
  const { text, color, icon, detail } = looks[useLiveState()]
  return (
    <Hint label={detail}>
      <Group gap={4} wrap="nowrap" role="status" aria-label={`${text}. ${detail}`} c={color} px={4}>
        {icon}
        <Text
          size="xs"
          fw={600}
          visibleFrom="sm"
          c={color === 'good' ? 'var(--mantine-color-good-text)' : color}
        >
          {text}
        </Text>
      </Group>
    </Hint>
  )
}
