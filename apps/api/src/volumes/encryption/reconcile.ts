import pLimit from 'p-limit'
import { driversOf, hostsUp } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { plainOp, whileAnswering } from '../../kernel/hosts.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'
import { openKey } from './keys.ts'

const hostsAtOnce = 16

/** The hosts that this process has given keys, so that they forget the last of them, too. */
const told = new Set<string>()

/**
 * Gives hosts the keys of the encrypted volumes that they are to give to guests, such as after a restart of the machine, when
 * a host has forgotten all keys. The starts that fail until then are tried again.
 */
export const volumeKeys: Reconciler = {
  name: 'volumes.keys',
  everyMs: 5_000,
  async run(ctx) {
    const wanted = await wantedByHost(ctx)
    const hosts = (await hostsUp(ctx)).filter(({ id }) => wanted.has(id) || told.has(id))
    await pLimit(hostsAtOnce).map(hosts, ({ id, name }) =>
      bring(ctx, id, wanted.get(id) ?? []).catch((error: unknown) =>
        ctx.log.warn({ err: error, host: name }, 'a host did not get the keys of its volumes'),
      ),
    )
  },
}

/** The encrypted volumes that each host is to give to guests. */
async function wantedByHost(ctx: Ctx): Promise<Map<string, string[]>> {
  const rows = await ctx.db.$queryRaw<{ hostId: string; volumeId: string }[]>`
    SELECT a."hostId", a."volumeId" FROM "Volume" v JOIN "VolumeAttachment" a ON a."volumeId" = v."id"
    WHERE v."keyId" IS NOT NULL AND a."hostId" IS NOT NULL`
  const byHost = Map.groupBy(rows, ({ hostId }) => hostId)
  return new Map([...byHost].map(([hostId, its]) => [hostId, its.map(({ volumeId }) => volumeId)]))
}

async function bring(ctx: Ctx, hostId: string, ids: readonly string[]): Promise<void> {
  const drivers = await driversOf(ctx, hostId)
  const missing = await whileAnswering(plainOp(ctx), drivers, (op) => drivers.volumes.keepKeys(op, { ids }))
  if (ids.length > 0) told.add(hostId)
  else told.delete(hostId)
  await giveKeys(ctx, hostId, missing)
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
 * from the reconciler.
 */
export const giveKeysFirst = (ctx: Ctx, hostId: string, volumeIds: readonly string[]): Promise<void> =>
  giveKeys(ctx, hostId, volumeIds).catch((error: unknown) =>
    ctx.log.warn({ err: error, hostId }, 'a host did not get the keys of volumes before their attachment'),
  )
