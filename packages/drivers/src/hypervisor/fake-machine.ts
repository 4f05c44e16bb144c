import type { Duplex } from 'node:stream'
import { createChanges, unknownInstance } from './changes.ts'
import { appendLog, type FakeLog } from './fake-console.ts'
import type { InstanceSpec, ObservedInstance, PowerState } from './interface.ts'
import { sameSpec } from './spec.ts'

export type FakeHypervisorState = { instances: Record<string, FakeInstance>; lastPid: number }
export type FakeInstance = {
  spec: InstanceSpec
  power: PowerState
  pid: number | null
  startedAt: string | null
  reason: string | null
  ignoresButton: boolean
  keepsDevices?: boolean
  log: FakeLog
  /** The encrypted password that the guest has posted to the metadata service. */
  password?: string
}

export type Machine = ReturnType<typeof createMachine>

/** The fake guests with the changes that they can undergo; the listeners are told of every change. */
export function createMachine(state: FakeHypervisorState) {
  const changes = createChanges((error) => {
    throw error
  })
  /** Serial and VNC streams that end with their guest. Not part of the state: an agent's restart cuts them too. */
  const streams = new Map<string, Set<{ stream: Duplex; serial: boolean }>>()

  const settle = (guest: FakeInstance): ObservedInstance => ({
    id: guest.spec.id,
    power: guest.power,
    pid: guest.pid,
    startedAt: guest.startedAt,
    reason: guest.reason,
  })
  function change(guest: FakeInstance, power: PowerState, reason: string | null): ObservedInstance {
    guest.power = power
    guest.reason = reason
    changes.emit(guest.spec.id, power, reason)
    return settle(guest)
  }
  /** Ends the guest's process and, with it, its consoles. */
  function cut(guest: FakeInstance): void {
    guest.pid = null
    guest.startedAt = null
    for (const { stream } of streams.get(guest.spec.id) ?? []) stream.destroy()
    streams.delete(guest.spec.id)
  }
  return {
    state,
    changes,
    streams,
    settle,
    change,
    load(id: string): FakeInstance {
      const guest = state.instances[id]
      if (!guest) throw unknownInstance(id)
      return guest
    },
    define(spec: InstanceSpec): FakeInstance {
      const known = state.instances[spec.id]
      if (known) {
        if (!sameSpec(known.spec, spec)) known.spec = spec
        return known
      }
      const guest: FakeInstance = {
        spec,
        power: 'off',
        pid: null,
        startedAt: null,
        reason: null,
        ignoresButton: false,
        log: { start: 0, text: '' },
      }
      state.instances[spec.id] = guest
      return guest
    },
    boot(guest: FakeInstance): ObservedInstance {
      state.lastPid += 1
      guest.pid = state.lastPid
      guest.startedAt = new Date().toISOString()
      guest.ignoresButton = false
      appendLog(guest.log, 'hello\r\n')
      return change(guest, 'running', null)
    },
    cut,
    halt(guest: FakeInstance, power: 'off' | 'crashed', reason: string | null): ObservedInstance {
      cut(guest)
      return change(guest, power, reason)
    },
    print(guest: FakeInstance, text: string): void {
      appendLog(guest.log, text)
      for (const { stream, serial } of streams.get(guest.spec.id) ?? []) if (serial) stream.push(text)
    },
  }
}
