'use client'
import { useState } from 'react'

/**
 * Returns the time 24 hours before the page was opened, to the minute, so that the query stays the same while the page
 * is open.
 */
export function useSinceYesterday(): string {
  const [since] = useState(() =>
    new Date(Math.floor(Date.now() / 60_000) * 60_000 - 86_400_000).toISOString(),
  )
  return since
}
