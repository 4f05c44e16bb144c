import { Prisma, type PrismaClient } from '@stratolith/db'
import type { Ctx, Deps } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { appendEventsWith } from '../kernel/events.ts'
import type { Need } from './capacity.ts'

type Amount = { used: number; total: number }
/** One machine with its room, for the scheduler; the caller decides what of it a tenant may read. */
export type PlacementHost = {
  id: string
  name: string
  zone: string
  state: string
  enabled: boolean
  disabledReason: string | null
  vcpus: Amount
  memoryMib: Amount
  diskGib: Amount
}

/** Every host as it is now. By name. */
export async function hostsForPlacement(ctx: Pick<Ctx, 'db'>): Promise<PlacementHost[]> {
  const rows = await ctx.db.host.findMany({
    orderBy: { name: 'asc' },
    select: {
      id: true,
      name: true,
      zone: true,
      state: true,
      enabled: true,
      disabledReason: true,
      vcpus: true,
      vcpusUsed: true,
      memoryMib: true,
      memoryMibUsed: true,
      diskGib: true,
      diskGibUsed: true,
    },
  })
  return rows.map(({ vcpusUsed, memoryMibUsed, diskGibUsed, ...row }) => ({
    ...row,
    vcpus: { used: vcpusUsed, total: row.vcpus },
    memoryMib: { used: memoryMibUsed, total: row.memoryMib },
    diskGib: { used: diskGibUsed, total: row.diskGib },
  }))
}

/** `at`: when the look into the database began, by performance.now(). */
type Look = { hosts: PlacementHost[]; at: number }
type Memory = { look: Look | null; underWay: { look: Promise<Look>; at: number } | null }
const memories = new WeakMap<PrismaClient, Memory>()

/**
 * The same from the memory of this process, which is at most `deps.hostsMaxAgeMs` old and has in it what
 * this process itself has claimed since. On a cloud of a thousand hosts a launch would otherwise read them
 * all. `since` (performance.now()): a look that began no earlier. What it says is for choosing; whether
 * there is room says claimHosts alone. Never called inside a transaction: it would wait there for a
 * second connection.
 */
export async function rememberedHosts(
  { db, deps }: Pick<Ctx, 'db' | 'deps'>,
  since = performance.now() - (deps.hostsMaxAgeMs ?? 0),
): Promise<readonly PlacementHost[]> {
  invariant(db === deps.root, 'rememberedHosts inside a transaction')
  const memory = memoryOf(deps)
  if (memory.look && memory.look.at >= since) return memory.look.hosts
  // All who ask at the same moment share one look.
  if (!memory.underWay || memory.underWay.at < since) memory.underWay = lookNow(deps, memory)
  return (await memory.underWay.look).hosts
}

function lookNow(deps: Deps, memory: Memory): NonNullable<Memory['underWay']> {
  const at = performance.now()
  const look = hostsForPlacement({ db: deps.root }).then((hosts): Look => {
    if (!memory.look || memory.look.at < at) memory.look = { hosts, at }
    return { hosts, at }
  })
  const underWay = { look, at }
  look
    .catch(() => undefined)
    .finally(() => {
      if (memory.underWay === underWay) memory.underWay = null
    })
  return underWay
}

function memoryOf(deps: Deps): Memory {
  const known = memories.get(deps.root)
  if (known) return known
  const fresh: Memory = { look: null, underWay: null }
  memories.set(deps.root, fresh)
  return fresh
}

/** `zone`: where the host was when it was chosen; left out, when that does not matter. */
export type Claim = { hostId: string; zone?: string; need: Need }

/**
 * Takes room on hosts, in the order of their ids: one conditional update, in the transaction that makes
 * (or moves) the instances. A host is named once. False when one of them is full, disabled, down or in
 * another zone by now: then the transaction is to be given up, and others chosen.
 */
export async function claimHosts(ctx: Ctx, claims: readonly Claim[]): Promise<boolean> {
  invariant(ctx.db !== ctx.deps.root, 'claimHosts outside a transaction')
  const wishes = claims.map(({ hostId, zone, need }) => ({
    id: hostId,
    zone,
    vcpus: need.vcpus,
    memoryMib: need.memoryMib,
    diskGib: need.diskGib,
  }))
  const changes = [
    Prisma.sql`wish AS (
      SELECT h."id", w."zone", w."vcpus", w."memoryMib", w."diskGib"
      FROM jsonb_to_recordset(${JSON.stringify(wishes)}::jsonb)
        AS w ("id" uuid, "zone" text, "vcpus" int, "memoryMib" int, "diskGib" int)
      JOIN "Host" h ON h."id" = w."id" ORDER BY h."id" FOR NO KEY UPDATE OF h)`,
    Prisma.sql`claimed AS (
      UPDATE "Host" h SET "vcpusUsed" = h."vcpusUsed" + w."vcpus", "memoryMibUsed" = h."memoryMibUsed" + w."memoryMib",
        "diskGibUsed" = h."diskGibUsed" + w."diskGib"
      FROM wish w WHERE h."id" = w."id" AND h."enabled" AND h."state" = 'up' AND h."vcpusUsed" + w."vcpus" <= h."vcpus"
        AND h."memoryMibUsed" + w."memoryMib" <= h."memoryMib" AND h."diskGibUsed" + w."diskGib" <= h."diskGib"
        AND h."zone" = COALESCE(w."zone", h."zone")
      RETURNING h."id")`,
    Prisma.sql`complete AS (SELECT 1 FROM claimed HAVING count(*) = ${claims.length}::int)`,
  ]
  const events = claims.map(({ hostId }) => hostEventOf(hostId, 'room'))
  const claimed = await appendEventsWith(ctx, events, changes, 'complete')
  if (claimed) rememberClaims(ctx.deps, claims)
  return claimed
}

/** One instance on one host. */
export const claimHost = (ctx: Ctx, hostId: string, need: Need, zone?: string): Promise<boolean> =>
  claimHosts(ctx, [{ hostId, need, zone }])

/** Those who choose next see it at once, so that they spread; when it is rolled back, with the next look. */
function rememberClaims(deps: Deps, claims: readonly Claim[]): void {
  const look = memories.get(deps.root)?.look
  if (!look) return
  const needs = new Map(claims.map(({ hostId, need }) => [hostId, need]))
  look.hosts = look.hosts.map((host) => {
    const need = needs.get(host.id)
    return need ? withTaken(host, need) : host
  })
}

/** The host as it is with one more of that size on it. */
export function withTaken<Host extends Pick<PlacementHost, keyof Need>>(host: Host, need: Need): Host {
  const plus = (amount: keyof Need) => ({ used: host[amount].used + need[amount], total: host[amount].total })
  return { ...host, vcpus: plus('vcpus'), memoryMib: plus('memoryMib'), diskGib: plus('diskGib') }
}

/**
 * A change of a host that its page shows. `room`: instances came or went, which their own events tell; the
 * audit log leaves it out.
 */
export const hostEventOf = (hostId: string, what: 'created' | 'updated' | 'deleted' | 'room') => ({
  kind: `host.${what}`,
  projectId: null,
  resourceKind: 'host',
  resourceId: hostId,
})
