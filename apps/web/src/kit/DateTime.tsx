'use client'
import { useSyncExternalStore } from 'react'
import { dateTime } from './format.ts'

/** Shows a date and a time. The server does not know the reader’s time zone, so it only keeps the room for them. */
export function DateTime({ iso }: { iso: string }) {
  const isKnown = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  return (
    <time dateTime={iso} suppressHydrationWarning style={isKnown ? undefined : { visibility: 'hidden' }}>
      {dateTime(iso)}
    </time>
  )
}

const never = () => () => undefined
