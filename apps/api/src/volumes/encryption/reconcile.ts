import { DriverError } from '@stratolith/drivers/errors'
import pLimit from 'p-limit'
import { driversOf, type StartedHost, startedHosts } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import { openKey } from './keys.ts'

const hostsAtOnce = 16
/** How long it counts that a host has the keys that it needs and no others. */
const comparedMs = 300_000
/** The same for a host whose agent does not tell when it was started. */
const untoldMs = 60_000
/** How long the rows of hosts are kept that are gone. */
const forgottenMs = 24 * 60 * 60_000
/**
 * Gives hosts the keys of the encrypted volumes that they are to give to guests: after a restart of the machine, when a host has
 * forgotten all keys, and after each attachment (`expectKeys`). Otherwise the keys of a host are compared now and then, so that no
 * host keeps one for long that it does not need any more. The starts of guests that fail until then are tried again.
 */
export const volumeKeys: Reconciler = {
  name: 'volumes.keys',
  everyMs: 5_000,
  async run(ctx) {
    const due = await dueHosts(ctx)
    if (due.length === 0) return
    await pLimit(hostsAtOnce).map(due, (host) =>
      bring(ctx, host).catch((error: unknown) =>
        ctx.log.warn({ err: error, host: host.name }, 'a host did not get the keys of its volumes'),
      ),
    )
    await ctx.db.volumeKeyHost.deleteMany({ where: { at: { lt: new Date(Date.now() - forgottenMs) } } })
  },
}

type Due = StartedHost & { wished: number }
/** The hosts that may not have all keys, or may have one that they do not need. */
async function dueHosts(ctx: Ctx): Promise<Due[]> {
  const [hosts, rows] = await Promise.all([startedHosts(ctx), ctx.db.volumeKeyHost.findMany()])
  const compared = new Map(rows.map((row) => [row.hostId, row]))
  return hosts.flatMap((host) => {
    const row = compared.get(host.id)
    const isSame = row?.start === host.start && row.told === row.wished
    const freshMs = host.start === null ? untoldMs : comparedMs
    if (row && isSame && Date.now() - row.at.getTime() < freshMs) return []
    return { ...host, wished: row?.wished ?? 0 }
  })
}

/** The encrypted volumes that a host is to give to guests. */
async function wantedAt(ctx: Ctx, hostId: string): Promise<string[]> {
  const rows = await ctx.db.$queryRaw<{ volumeId: string }[]>`
    SELECT a."volumeId" FROM "VolumeAttachment" a JOIN "Volume" v ON v."id" = a."volumeId"
    WHERE a."hostId" = ${hostId}::uuid AND v."keyId" IS NOT NULL`
  return rows.map(({ volumeId }) => volumeId)
}

async function bring(ctx: Ctx, { id, start, wished }: Due): Promise<void> {
  const ids = await wantedAt(ctx, id)
  const drivers = await driversOf(ctx, id)
  const missing = await whileAnswering(plainOp(ctx), drivers, (op) =>
    drivers.volumes.keepKeys(op, { ids }),
  ).catch((error: unknown) => {
    // An agent that knows no keys has none.
    if (ids.length === 0 && error instanceof DriverError && error.code === 'unsupported') return []
    throw error
  })
  await giveKeys(ctx, id, missing)
  const compared = { start, told: wished, at: new Date() }
  await ctx.db.volumeKeyHost.upsert({
    where: { hostId: id },
    create: { hostId: id, ...compared },
    update: compared,
  })
}

/** Gives a host the keys of those of the volumes that are encrypted. */
export async function giveKeys(ctx: Ctx, hostId: string, volumeIds: readonly string[]): Promise<void> {
  if (volumeIds.length === 0) return
  const volumes = await ctx.db.volume.findMany({
    where: { id: { in: [...volumeIds] }, keyId: { not: null } },
    select: { id: true, keyId: true },
  })
  if (volumes.length === 0) return
  const ids = volumes.flatMap(({ keyId }) => keyId ?? [])
  const rows = await ctx.db.volumeKey.findMany({ where: { id: { in: ids } } })
  const keyOf = new Map(rows.map((row) => [row.id, openKey(ctx, row)]))
  const keys = volumes.flatMap(({ id, keyId }) => {
    const key = keyOf.get(keyId ?? '')
    return key === undefined ? [] : [{ id, key }]
  })
  const drivers = await driversOf(ctx, hostId)
  await whileAnswering(plainOp(ctx), drivers, (op) => drivers.volumes.giveKeys(op, { keys }))
}

/**
 * Does the same before the host is told to give the volumes to a guest. A host that does not get the keys now, gets them
 * from the reconciler (expectKeys).
 */
export const giveKeysFirst = (ctx: Ctx, hostId: string, volumeIds: readonly string[]): Promise<void> =>
  giveKeys(ctx, hostId, volumeIds).catch((error: unknown) =>
    ctx.log.warn({ err: error, hostId }, 'a host did not get the keys of volumes before their attachment'),
  )

/**
 * Has the keys of a host compared soon, in the transaction that writes that the host is to give volumes to guests: a
 * comparison that was under way may have taken their keys away, or the host may not have got them.
 */
export async function expectKeys(ctx: Ctx, hostId: string, volumeIds: readonly string[]): Promise<void> {
  const of = { id: { in: [...volumeIds] }, keyId: { not: null } }
  if (volumeIds.length === 0 || (await ctx.db.volume.count({ where: of, take: 1 })) === 0) return
  await ctx.db.$executeRaw`
    INSERT INTO "VolumeKeyHost" ("hostId", "wished") VALUES (${hostId}::uuid, 1)
    ON CONFLICT ("hostId") DO UPDATE SET "wished" = "VolumeKeyHost"."wished" + 1`
}
