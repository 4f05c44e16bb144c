import type { VolumePoolModel } from '@stratolith/db'
import type { z } from 'zod'
import { driversOf, hostsForPlacement } from '../../hosts/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { alreadyExists, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { driverCode, plainOp, whileAnswering } from '../../kernel/hosts.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import type { PoolReach, PoolView, poolCreateInput, poolUpdateInput } from '../contract.ts'
import { callSpecOf, isLocal, poolOn, reaches } from '../pools.ts'
import { shortNameOf } from './candidates.ts'
import { accessTo, configOf, type PoolAccess, secretsIn } from './drivers.ts'
import { getPool, type PlainPool, plainPools } from './list.ts'
import { makeOnOne, type ReachedPool, reachOf, wordsOf } from './reach.ts'
import { sealedSecrets, secretsOf } from './secrets.ts'

const shared = 'shared'

/**
 * Makes a pool in a place that a machine reaches, which makes what the pool needs there. Throws already_exists for a name
 * that is taken, invalid_input with the machine's sentence when no machine reaches the place.
 */
export async function createPool(ctx: Ctx, input: z.output<typeof poolCreateInput>): Promise<PoolView> {
  authorize(ctx, 'volumePool:create')
  const { place, hostId = null, zone = null, description, overcommit } = input
  const hosts = await hostsForPlacement(ctx)
  const host = hosts.find(({ id }) => id === hostId)
  if (hostId !== null && !host) throw notFound('host', hostId)
  if (hostId !== null && zone !== null)
    throw invalidInput('A pool of one machine is in the zone of the machine: leave the zone out.', 'zone')
  if (zone !== null && !hosts.some((one) => one.zone === zone))
    throw invalidInput(`There is no zone ${zone}.`, 'zone')
  const row = {
    ...{ id: crypto.randomUUID(), name: `${host?.name ?? shared}@${input.name}`, description, hostId, zone },
    ...{ driver: place.driver, config: configOf(place), shared: hostId === null, overcommit },
  }
  const secrets = sealedSecrets(ctx, row.id, secretsIn(place))
  await refuseTaken(ctx, row.name)
  const answers = await makeOnOne(ctx, { ...row, secrets, capacityGib: 1 })
  const made = answers.find(({ problem }) => problem === null)
  if (!made) throw invalidInput(whyUnreached(answers), 'path')
  // What others have written there already is not promised.
  const capacityGib = input.capacityGib ?? Math.max(1, Math.min(made.totalGib ?? 0, made.freeGib ?? 0))
  const pool = { ...row, secrets, capacityGib }
  await inTransaction(ctx, async (tx) => {
    await refuseTaken(tx, row.name)
    await tx.db.volumePool.create({ data: pool })
    await note(tx, row, 'create')
  }).catch(async (error: unknown) => {
    // The answer of the database may be lost after it has written the row.
    if (await ctx.db.volumePool.findUnique({ where: { id: row.id }, select: { id: true } })) throw error
    // Nobody would know what the machine has made under an id that no row has.
    const left = await removePlace(ctx, pool)
    if (left) ctx.log.warn({ ...left, pool: row.id }, 'the place of a pool that was not made is left behind')
    throw error
  })
  // The other machines are told the secrets of the pool before a guest there needs a volume.
  if (secrets !== null) await reachOf(ctx, pool)
  return getPool(ctx, { name: row.name })
}

const whyUnreached = ([first, ...others]: readonly PoolReach[]): string =>
  first
    ? `${first.host.name}: ${first.problem}${others.length > 0 ? ' The other machines do not reach it, either.' : ''}`
    : 'No machine would reach the pool.'

async function refuseTaken(ctx: Ctx, name: string): Promise<void> {
  const taken = await ctx.db.volumePool.findUnique({ where: { name }, select: { id: true } })
  if (taken) throw alreadyExists('volume pool', shortNameOf(name))
}

/**
 * Changes a pool. The disk of a machine is opened and closed for new volumes, and nothing else of it is changed: throws
 * conflict then, and for less room than is promised. `frozen`: it is opened or
 * closed by OpenStack's words for that.
 */
export async function updatePool(
  ctx: Ctx,
  input: z.output<typeof poolUpdateInput>,
  { frozen = false }: { frozen?: boolean } = {},
): Promise<PoolView> {
  authorize(ctx, 'volumePool:update')
  const { name, shortName, access, enabled, disabledReason, ...rest } = input
  // Whoever opens or closes a pool says anew why, or that there is no reason.
  const closing = enabled === undefined ? {} : { enabled, frozen, disabledReason: disabledReason || null }
  const patch = { ...rest, ...closing }
  const after = await inTransaction(ctx, async (tx) => {
    const row = await lockPool(tx, name)
    const isOfDisk = Object.values({ ...rest, shortName, access }).some((wish) => wish !== undefined)
    if (isLocal(row) && isOfDisk)
      throw conflict('The disk of a machine has the name and the room of the machine: only open or close it.')
    if (row.deletingAt !== null)
      throw conflict('The pool is being removed. When its removal was interrupted, remove the pool again.')
    const next =
      shortName === undefined ? row.name : `${row.name.slice(0, row.name.indexOf('@'))}@${shortName}`
    if (next !== row.name) await refuseTaken(tx, next)
    const total = Math.floor(
      (patch.capacityGib ?? row.capacityGib ?? 0) * (patch.overcommit ?? row.overcommit),
    )
    if (!isLocal(row) && total < row.usedGib)
      throw invalidInput(`${row.usedGib} GiB of the pool are promised already. Choose more.`, 'capacityGib')
    const data = { ...patch, ...(access ? changedAccess(tx, row, access) : {}), name: next }
    const changed = await tx.db.volumePool.update({ where: { id: row.id }, data })
    await note(tx, changed, 'update')
    return changed
  })
  // Machines keep what they were told last.
  if (access) await reachOf(ctx, after)
  return getPool(ctx, { name: after.name })
}

/** The columns of a pool that is reached in another way from now on. */
function changedAccess(ctx: Ctx, row: VolumePoolModel, access: PoolAccess) {
  const change = accessTo(row.driver, access)
  if (!change)
    throw invalidInput(
      'Only a pool in Ceph has monitors, a user and a key, and only one of iSCSI a portal, a user and a secret.',
      'access',
    )
  return {
    config: { ...(row.config as object), ...change.config },
    secrets: sealedSecrets(ctx, row.id, { ...secretsOf(ctx, row), ...change.secrets }),
  }
}

/**
 * Removes a pool and what it has in its place. Throws conflict while volumes or snapshots lie there. A removal that was
 * interrupted leaves a pool that takes nothing and can only be removed again, because its place may be gone.
 */
export async function deletePool(ctx: Ctx, { name }: { name: string }): Promise<void> {
  authorize(ctx, 'volumePool:delete')
  const seen = await inTransaction(ctx, async (tx) => {
    const row = await lockPool(tx, name)
    if (isLocal(row)) throw conflict('The disk of a machine is a pool as long as the machine is there.')
    await refuseUsed(tx, row)
    // Whoever makes a volume takes room under the same lock, so that none comes while the place is removed.
    const deletingAt = new Date()
    await tx.db.volumePool.update({ where: { id: row.id }, data: { deletingAt } })
    return { row, deletingAt }
  })
  const left = await removePlace(ctx, seen.row)
  if (left) {
    // A machine that was silent may have removed the place. Somebody else may be removing the pool, too.
    const { id, deletingAt } = seen.row
    if (left.isWhole)
      await ctx.db.volumePool.updateMany({ where: { id, deletingAt: seen.deletingAt }, data: { deletingAt } })
    throw conflict(`The pool could not be removed. ${left.problem}`)
  }
  await inTransaction(ctx, async (tx) => {
    const row = await lockPool(tx, name)
    await refuseUsed(tx, row)
    await tx.db.volumePool.delete({ where: { id: row.id } })
    await note(tx, row, 'delete')
  })
}

async function refuseUsed(ctx: Ctx, { id }: { id: string }): Promise<void> {
  const count = await ctx.db.volume.count({ where: { poolId: id } })
  const coming = await ctx.db.volume.count({ where: { movingToId: id } })
  if (coming > 0)
    throw conflict(
      `${coming === 1 ? 'A volume is' : `${coming} volumes are`} being moved into this pool. Wait until that is over.`,
    )
  if (count === 0) return
  const waiting = await ctx.db.volume.count({ where: { poolId: id, trashedUntil: { not: null } } })
  const trash = waiting > 0 ? ` ${waiting} of them can still be taken back: delete them for good.` : ''
  throw conflict(
    `${count === 1 ? 'A volume lies' : `${count} volumes lie`} in this pool. Delete or move ${count === 1 ? 'it' : 'them'} first.${trash}`,
  )
}

/** Lets a machine that reaches the pool remove what the pool has made there. Throws conflict with the machine's words. */
async function removePlace(
  ctx: Ctx,
  row: ReachedPool,
): Promise<{ problem: string; isWhole: boolean } | null> {
  let problem: string | null = 'No machine reaches the pool.'
  let isWhole = true
  for (const host of (await hostsForPlacement(ctx)).filter((one) => reaches(row, one) && one.state === 'up'))
    try {
      const drivers = await driversOf(ctx, host.id)
      await whileAnswering(plainOp(ctx), drivers, (op) =>
        drivers.volumes.removePool(op, callSpecOf(ctx, row)),
      )
      problem = null
      // Each machine keeps the secrets of a pool until it is told that the pool is gone.
      if (row.secrets === null) break
    } catch (error) {
      if ([null, 'unavailable'].includes(driverCode(error))) isWhole = false
      if (problem !== null) problem = `${host.name}: ${wordsOf(error)}`
      else
        ctx.log.warn(
          { err: error, host: host.name, pool: row.name },
          'a machine may keep the secrets of a pool',
        )
    }
  return problem === null ? null : { problem, isWhole }
}

/** Asks each machine that is to reach a pool whether it does. */
export async function probePool(ctx: Ctx, { name }: { name: string }): Promise<PoolReach[]> {
  authorize(ctx, 'volumePool:probe')
  const row = await ctx.db.volumePool.findUnique({ where: { name } })
  if (row) return reachOf(ctx, row)
  const pool = await plainPool(ctx, name)
  return reachOf(ctx, {
    ...{
      id: pool.id,
      name,
      driver: pool.driver,
      config: {},
      secrets: null,
      shared: false,
      capacityGib: null,
    },
    ...{ hostId: pool.host?.id ?? null, zone: null },
  })
}

/** Throws not_found for a name that no pool has. */
async function plainPool(ctx: Ctx, named: string): Promise<PlainPool> {
  const found = (await plainPools(ctx)).find(({ name }) => name === named)
  if (!found) throw notFound('volume pool', named)
  return found
}

async function lockPool(ctx: Ctx, name: string): Promise<VolumePoolModel> {
  await ctx.db.$queryRaw`SELECT 1 FROM "VolumePool" WHERE "name" = ${name} FOR UPDATE`
  const row = await ctx.db.volumePool.findUnique({ where: { name } })
  if (row) return row
  const { host } = await plainPool(ctx, name)
  if (!host) throw notFound('volume pool', name)
  return ctx.db.volumePool.findUniqueOrThrow({ where: { id: await poolOn(ctx, host) } })
}

/** Writes a change into the history and tells the open pages of administrators. */
async function note(
  ctx: Ctx,
  { id, name }: { id: string; name: string },
  verb: 'create' | 'update' | 'delete',
): Promise<void> {
  const operationId = crypto.randomUUID()
  await recordOperation(ctx, {
    ...{ id: operationId, action: `volumePool.${verb}`, resourceKind: 'volumePool', projectId: null },
    ...{ resourceId: id, resourceName: name },
  })
  await appendEvent(ctx, {
    ...{ kind: `volumePool.${verb}d`, projectId: null, resourceKind: 'volumePool', resourceId: id },
    ...{ operationId, data: { name } },
  })
}
