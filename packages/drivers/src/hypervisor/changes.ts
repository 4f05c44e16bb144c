import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { HypervisorEvent, PowerState } from './interface.ts'

/** Who listens to power changes. A listener that throws harms neither the guest nor the others. */
export function createChanges(onListenerError: (error: unknown) => void) {
  const listeners = new Set<(event: HypervisorEvent) => void>()
  return {
    subscribe(listener: (event: HypervisorEvent) => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    emit(instanceId: string, power: PowerState, reason: string | null, at = new Date().toISOString()): void {
      for (const listener of [...listeners]) {
        try {
          listener({ instanceId, power, reason, at })
        } catch (error) {
          onListenerError(error)
        }
      }
    },
  }
}

/** Calls with the same key run one after the other; a key that nobody uses costs nothing. */
export function createLocks() {
  const tails = new Map<string, Promise<unknown>>()
  return async function locked<T>(key: string, run: () => Promise<T>): Promise<T> {
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.then(run, run)
    tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (tails.get(key) === mine) tails.delete(key)
    }
  }
}

/** Raises `unavailable` when the caller has given up or its time is over. */
export function checkAlive(op: Op): void {
  if (op.signal.aborted)
    throw new DriverError('unavailable', 'The call was given up before it was done.', {
      cause: op.signal.reason,
    })
}

export const unknownInstance = (id: string): DriverError =>
  new DriverError('not_found', `This host has no instance ${id}.`)
