import { Prisma, type PrismaClient } from '@stratolith/db'
import type { Ctx, Deps } from '../kernel/context.ts'
import { invariant } from '../kernel/errors.ts'
import { appendEventsWith } from '../kernel/events.ts'
import type { Need } from './capacity.ts'

type Amount = { used: number; total: number }
/** A machine with its free room, for the scheduler; the caller decides which parts a tenant may read. */
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

/** All hosts as they are now, by name. */
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

/** Hosts as they were read; `at`: when the query began, by performance.now(). */
type Look = { hosts: PlacementHost[]; at: number }
type Memory = { look: Look | null; underWay: { look: Promise<Look>; at: number } | null }
const memories = new WeakMap<PrismaClient, Memory>()

/**
 * All hosts from the memory of this process, which is at most `deps.hostsMaxAgeMs` old and includes the claims that
 * this process has made since. Otherwise each launch in a cloud of a thousand hosts would read them all.
 * `since` (by performance.now()): the query must have begun no earlier. The answer serves to choose hosts; only
 * claimHosts decides whether there is room. Never call this in a transaction, where it would wait for a second
 * connection.
 */
export async function rememberedHosts(
  { db, deps }: Pick<Ctx, 'db' | 'deps'>,
  since = performance.now() - (deps.hostsMaxAgeMs ?? 0),
): Promise<readonly PlacementHost[]> {
  invariant(db === deps.root, 'rememberedHosts inside a transaction')
  const memory = memoryOf(deps)
  if (memory.look && memory.look.at >= since) return memory.look.hosts
  // All callers of the same moment share one query.
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

/** A claim of room on a host; `zone` is the host's zone when it was chosen, absent when the zone does not matter. */
export type Claim = { hostId: string; zone?: string; need: Need }

/**
 * Takes room on hosts, in the order of their ids, by one conditional update in the transaction that makes
 * (or moves) the instances. Each host may be named only once. Returns false when a host is full, disabled, down or in
 * another zone by now: then the caller must roll back and choose other hosts.
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

/** Takes room for one instance on one host. */
export const claimHost = (ctx: Ctx, hostId: string, need: Need, zone?: string): Promise<boolean> =>
  claimHosts(ctx, [{ hostId, need, zone }])

/** Adds claims to the memory, so that the next launches choose other hosts. A claim that is rolled back stays until the next query. */
function rememberClaims(deps: Deps, claims: readonly Claim[]): void {
  const look = memories.get(deps.root)?.look
  if (!look) return
  const needs = new Map(claims.map(({ hostId, need }) => [hostId, need]))
  look.hosts = look.hosts.map((host) => {
    const need = needs.get(host.id)
    return need ? withTaken(host, need) : host
  })
}

/** The host with one more instance of that size on it. */
export function withTaken<Host extends Pick<PlacementHost, keyof Need>>(host: Host, need: Need): Host {
  const plus = (amount: keyof Need) => ({ used: host[amount].used + need[amount], total: host[amount].total })
  return { ...host, vcpus: plus('vcpus'), memoryMib: plus('memoryMib'), diskGib: plus('diskGib') }
}

/**
 * The event of a change of a host that its page shows. `room`: instances came or went; the audit log leaves this
 * event out, because the instances have their own events.
 */
export const hostEventOf = (hostId: string, what: 'created' | 'updated' | 'deleted' | 'room') => ({
  kind: `host.${what}`,
  projectId: null,
  resourceKind: 'host',
  resourceId: hostId,
})
