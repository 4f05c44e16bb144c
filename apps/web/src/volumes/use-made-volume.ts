'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useTRPC } from '../kit/trpc.ts'

const everyMs = 400
const atMostMs = 60_000
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Returns a function that resolves when a new volume is available. It throws a sentence when the volume could not be
 * made, or when that takes long: then the volume is there later, and people attach it from the list.
 */
export function useMadeVolume(): (id: string) => Promise<void> {
  const trpc = useTRPC()
  const client = useQueryClient()
  return async (id) => {
    const until = Date.now() + atMostMs
    while (Date.now() < until) {
      const { state, error } = await client.fetchQuery({
        ...trpc.volumes.get.queryOptions({ id }),
        staleTime: 0,
      })
      if (state === 'available') return
      if (state === 'error') throw new Error(error ?? 'The volume could not be made.')
      await after(everyMs)
    }
    throw new Error(
      'The volume is still being made. Attach it when it is available: it stands under Volumes.',
    )
  }
}
