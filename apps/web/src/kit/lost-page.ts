'use client'
import { useEffect, useState } from 'react'
import { isLostMarker } from './errors.ts'
import { useUrlState } from './url-state.ts'

export const lostPageText = 'The page that you asked for is not there any more. This is the first one.'

/**
 * A page of a list begins after a row (`?after=`), which may be gone or never have been: then the address asks for
 * the first page instead. True while that page is shown for it.
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
