import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError, type DriverErrorCode } from '@stratolith/drivers/errors'
import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from './context.ts'
import { toCloudError } from './errors.ts'

/**
 * The connections of the control plane to the drivers of hosts. An endpoint is "unix:/path" (an agent on
 * this machine) or "fake:NAME" (tests and scale runs). Connections are made once and kept.
 */
export class HostConnections {
  readonly #open = new Map<string, HostDrivers>()
  readonly #endpoints = new Map<string, { endpoint: string; readAt: number }>()
  readonly #connect: (endpoint: string) => HostDrivers
  constructor(connect: (endpoint: string) => HostDrivers) {
    this.#connect = connect
  }
  at(endpoint: string): HostDrivers {
    let drivers = this.#open.get(endpoint)
    if (!drivers) {
      drivers = this.#connect(endpoint)
      this.#open.set(endpoint, drivers)
    }
    return drivers
  }
  /** The endpoint of a host. It is kept for 5 s, because each step of a workflow needs it; then `read` is called again. */
  async endpointOf(hostId: string, read: () => Promise<string>): Promise<string> {
    const known = this.#endpoints.get(hostId)
    if (known && Date.now() - known.readAt < endpointMs) return known.endpoint
    const endpoint = await read()
    this.#endpoints.set(hostId, { endpoint, readAt: Date.now() })
    return endpoint
  }
}
const endpointMs = 5_000

/** Makes an Op for driver calls outside of workflows (reconcilers, consoles). */
export function plainOp(ctx: Ctx, timeoutMs = 30_000): Op {
  const signal = AbortSignal.timeout(timeoutMs)
  return {
    id: ctx.requestId,
    // A worker that was frozen must check its lease before it makes another call.
    get signal() {
      ctx.deps.holder?.check()
      return signal
    },
    log: ctx.log,
    progress: () => undefined,
  }
}

/** Makes an Op for a round of many calls: each call has its own time limit, and all end with the round's. */
export function callByCall(ctx: Ctx, round: Op, callMs: number): Op {
  return {
    ...round,
    get signal() {
      return AbortSignal.any([round.signal, plainOp(ctx, callMs).signal])
    },
  }
}

/** The code of a driver's error, also when a CloudError wraps it; null for any other error. */
export function driverCode(error: unknown): DriverErrorCode | null {
  const { cause } = toCloudError(error)
  return cause instanceof DriverError ? cause.code : null
}

/**
 * While a call is under way, its host is sent a small request this often and has as long to answer; after two missed
 * answers the host counts as silent. This is a variable only for tests.
 */
export const hostPatience = { askEveryMs: 4_000 }
const silences = 2

/**
 * Runs a driver call that may take minutes (such as the conversion of an image) but must end within 12 s when
 * the host falls silent. Then, and when op's signal aborts, it raises `unavailable`, whatever the
 * call itself does. `work` must pass on the op that it gets.
 */
export async function whileAnswering<T>(
  op: Op,
  { hypervisor }: Pick<HostDrivers, 'hypervisor'>,
  work: (op: Op) => Promise<T>,
): Promise<T> {
  const silent = new AbortController()
  const over = new AbortController()
  const { signal } = op
  const ended = AbortSignal.any([signal, silent.signal])
  const watched: Op = {
    ...op,
    // A getter, as in op itself: each call checks the lease, so that a frozen worker makes none after it has lost the lease.
    get signal() {
      return op.signal === signal ? ended : AbortSignal.any([op.signal, silent.signal])
    },
  }
  const given = new Promise<never>((_resolve, reject) => {
    const giveUp = () => reject(new DriverError('unavailable', reasonOf(silent.signal)))
    if (ended.aborted) giveUp()
    ended.addEventListener('abort', giveUp, { once: true, signal: over.signal })
  })
  watch({ ...op, signal }, hypervisor, silent, over.signal)
  try {
    return await Promise.race([given, work(watched)])
  } finally {
    over.abort()
  }
}

const reasonOf = (silent: AbortSignal) =>
  silent.aborted
    ? `The host was silent for ${(silences * hostPatience.askEveryMs) / 1000} s.`
    : 'The host had not answered when the time of the operation was over.'

/** An id that no guest has: asking for it is the smallest request to a host. */
const nobody = '00000000-0000-4000-8000-000000000000'

/** True when the endpoint answers that smallest request within 5 s. */
export async function answersAt(ctx: Ctx, endpoint: string): Promise<boolean> {
  try {
    await ctx.deps.hosts.at(endpoint).hypervisor.get(plainOp(ctx, 5_000), nobody)
    return true
  } catch {
    return false
  }
}

async function watch(
  op: Op,
  hypervisor: HostDrivers['hypervisor'],
  silent: AbortController,
  over: AbortSignal,
): Promise<void> {
  const { askEveryMs } = hostPatience
  for (let missed = 0; missed < silences; ) {
    const startedAt = Date.now()
    await sleep(missed === 0 ? askEveryMs : 0, undefined, { signal: over }).catch(() => undefined)
    if (over.aborted || op.signal.aborted) return
    const late = sleep(askEveryMs, 'late' as const, { signal: over }).catch(() => 'over' as const)
    const signal = AbortSignal.any([op.signal, over, AbortSignal.timeout(askEveryMs)])
    const answer = await Promise.race([
      late,
      hypervisor.get({ ...op, signal }, nobody).then(
        () => 'there' as const,
        () => late,
      ),
    ])
    // When this process itself was suspended, the missed answer does not count.
    const away = Date.now() - startedAt > 4 * askEveryMs
    missed = answer === 'late' && !away ? missed + 1 : 0
  }
  silent.abort()
}
