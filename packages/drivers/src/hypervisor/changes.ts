import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import type { HypervisorEvent, PowerState } from './interface.ts'

/** The listeners to power changes. A listener that throws harms neither the guest nor the other listeners. */
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

/** Raises `unavailable` when the caller has given up or the deadline of the call has passed. */
export function checkAlive(op: Op): void {
  if (op.signal.aborted)
    throw new DriverError('unavailable', 'The call was cancelled before it was done.', {
      cause: op.signal.reason,
    })
}

export const unknownInstance = (id: string): DriverError =>
  new DriverError('not_found', `This host has no instance ${id}.`)
