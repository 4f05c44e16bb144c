import type { HostDrivers } from '@stratolith/drivers/host'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from './context.ts'
import { CloudError } from './errors.ts'

/**
 * How the control plane reaches the drivers of a host. An endpoint is "unix:/path" (an agent on
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
  /** Endpoint of a host, asked of `read` at most once in 5 s: each step of a workflow needs it. */
  async endpointOf(hostId: string, read: () => Promise<string>): Promise<string> {
    const known = this.#endpoints.get(hostId)
    if (known && Date.now() - known.readAt < endpointMs) return known.endpoint
    const endpoint = await read()
    this.#endpoints.set(hostId, { endpoint, readAt: Date.now() })
    return endpoint
  }
}
const endpointMs = 5_000

/** Drivers of the host with that id. */
export async function driversOf(ctx: Ctx, hostId: string): Promise<HostDrivers> {
  const endpoint = await ctx.deps.hosts.endpointOf(hostId, async () => {
    const host = await ctx.db.host.findUnique({ where: { id: hostId }, select: { endpoint: true } })
    if (host) return host.endpoint
    throw new CloudError('internal', 'The host of this resource is not registered any more.', {
      detail: `host ${hostId}`,
    })
  })
  return ctx.deps.hosts.at(endpoint)
}

/** An Op for a driver call made outside a workflow (reconcilers, console). */
export function plainOp(ctx: Ctx, timeoutMs = 30_000): Op {
  const signal = AbortSignal.timeout(timeoutMs)
  return {
    id: ctx.requestId,
    // A worker that was frozen makes no call before it knows whether it still has its lease.
    get signal() {
      ctx.deps.holder?.check()
      return signal
    },
    log: ctx.log,
    progress: () => undefined,
  }
}
