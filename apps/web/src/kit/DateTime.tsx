'use client'
import { dateTime } from './format.ts'
import { useInBrowser } from './in-browser.ts'

/** Shows a date and a time. The server does not know the reader’s time zone, so it only keeps the room for them. */
export function DateTime({ iso }: { iso: string }) {
  const isKnown = useInBrowser()
  return (
    <time dateTime={iso} suppressHydrationWarning style={isKnown ? undefined : { visibility: 'hidden' }}>
      {dateTime(iso)}
    </time>
  )
}
