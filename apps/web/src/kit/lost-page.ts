'use client'
import { useEffect, useState } from 'react'
import { isLostMarker } from './errors.ts'
import { useUrlState } from './url-state.ts'

export const lostPageText = 'The page that you asked for is not there any more. This is the first one.'

/**
 * A page of a list begins after a row (`?after=`). When that row is gone or never existed, this hook changes the
 * address to the first page. Returns true while the first page is shown for this reason.
 */
export function useLostPage(error: unknown, marker: string | null): boolean {
  const { set } = useUrlState()
  const [lost, setLost] = useState(false)
  const isLost = isLostMarker(error)
  useEffect(() => {
    if (!isLost) return
    setLost(true)
    set({ after: null })
  }, [isLost, set])
  useEffect(() => {
    if (marker !== null && !isLost) setLost(false)
  }, [marker, isLost])
  return lost
}
