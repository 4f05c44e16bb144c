import type { NetworkDriver } from '@stratolith/drivers/network/interface'
import type { Op } from '@stratolith/drivers/op'
import type { Ctx } from '../kernel/context.ts'
import { type CloudError, toCloudError } from '../kernel/errors.ts'
import { driverCode, driversOf, whileAnswering } from '../kernel/hosts.ts'

/** Hosts that answer; one that is down is put right by the reconciler when it is back. */
export async function allHosts(ctx: Ctx): Promise<string[]> {
  return (await ctx.deps.root.host.findMany({ where: { state: 'up' }, select: { id: true } })).map(
    (host) => host.id,
  )
}

/**
 * On those of the hosts that are up, all at the same time: a silent one holds up no other. One that is
 * down is put right by the reconciler when it is back. Then the first failure is thrown.
 */
export async function eachHost(
  ctx: Ctx,
  op: Op,
  hostIds: readonly string[],
  work: (driver: NetworkDriver, op: Op) => Promise<unknown>,
): Promise<void> {
  const up = await ctx.deps.root.host.findMany({
    where: { id: { in: [...hostIds] }, state: 'up' },
    select: { id: true },
  })
  const ended = await Promise.allSettled(
    up.map(async ({ id }) => {
      const drivers = await driversOf(ctx, id)
      await whileAnswering(op, drivers, (watched) => work(drivers.network, watched))
    }),
  )
  for (const one of ended) if (one.status === 'rejected') throw toCloudError(one.reason)
}

/** All of them, also after one that fails; then the first failure is thrown. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const failures: CloudError[] = []
  for (const item of items)
    await work(item).catch((error: unknown) => {
      failures.push(toCloudError(error))
    })
  if (failures[0]) throw failures[0]
}

/**
 * The ports of a host one after the other, hosts at the same time. All of them, also after one that
 * fails, but no more of a host that is silent; then the first failure is thrown.
 */
export async function eachByHost<T extends { hostId: string | null }>(
  ports: readonly T[],
  work: (port: T) => Promise<unknown>,
): Promise<void> {
  const ofHost = Map.groupBy(ports, (port) => port.hostId)
  const failures: CloudError[] = []
  await Promise.all(
    [...ofHost.values()].map(async (list) => {
      for (const port of list) {
        const error = await work(port).then(
          () => null,
          (reason: unknown) => toCloudError(reason),
        )
        if (error) failures.push(error)
        if (error && driverCode(error) === 'unavailable') return
      }
    }),
  )
  if (failures[0]) throw failures[0]
}

/**
 * For changes of an instance: what another host than its own does not hear now, since it is silent, its
 * reconciler tells it when it is back. A dead host must not keep others' guests from being built.
 */
export async function unlessSilent(ctx: Ctx, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (driverCode(error) !== 'unavailable') throw error
    ctx.log.warn({ err: error }, 'a host has not heard of a change and is told later')
  })
}
