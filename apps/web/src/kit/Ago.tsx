'use client'
import { Hint } from '../ui/Hint.tsx'
import { ago, dateTime } from './format.ts'
import { useNow } from './use-now.ts'

/** Shows "3 minutes ago", with the exact time on hover; the text is kept up to date. */
export function Ago({ iso }: { iso: string }) {
  const now = useNow()
  if (now === null)
    return (
      <time dateTime={iso} style={{ whiteSpace: 'nowrap' }}>
        {iso.slice(0, 10)}
      </time>
    )
  return (
    <Hint label={dateTime(iso)}>
      <time dateTime={iso} style={{ whiteSpace: 'nowrap' }}>
        {ago(iso, now)}
      </time>
    </Hint>
  )
}
