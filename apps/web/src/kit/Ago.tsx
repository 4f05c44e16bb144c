'use client'
import { Tooltip } from '@mantine/core'
import { ago, dateTime } from './format.ts'
import { useNow } from './use-now.ts'

/** "3 minutes ago", exact time on hover; keeps itself true. */
export function Ago({ iso }: { iso: string }) {
  const now = useNow()
  if (now === null) return <time dateTime={iso}>{iso.slice(0, 10)}</time>
  return (
    <Tooltip label={dateTime(iso)}>
      <time dateTime={iso}>{ago(iso, now)}</time>
    </Tooltip>
  )
}
