import { Prisma } from '@stratolith/db'
import type { KeptReport } from '@stratolith/drivers/host'
import type { Ctx } from '../kernel/context.ts'
import { type Capacity, capacityOf, factsIn, type Overcommit } from './capacity.ts'
import type { HostState } from './states.ts'

/** The writes of every heartbeat. They go to a table of their own, because every launch locks the rows of hosts. */

/** A host after a beat: how many beats in a row it has missed, and for how long it has been silent, in ms (null: it has never answered). */
export type Heard = { hostId: string; missed: number; silentMs: number | null; changed: boolean }

/** Facts that change all the time. Their changes cause no event. */
const moving = Prisma.sql`'{load,uptimeSeconds,diskFreeGib}'::text[]`

/** Writes the answers of all hosts in one statement; a report of null means no answer. `changed`: the facts differ from those before. */
export async function writeBeats(
  ctx: Ctx,
  reports: ReadonlyMap<string, KeptReport | null>,
): Promise<Heard[]> {
  const told = [...reports].map(([hostId, report]) => ({ hostId, facts: report && factsIn(report) }))
  return ctx.db.$queryRaw<Heard[]>`
    WITH told AS (
      SELECT t."hostId", t."facts", t."facts" - ${moving} IS DISTINCT FROM b."facts" - ${moving} AS "changed"
      FROM jsonb_to_recordset(${JSON.stringify(told)}::jsonb) AS t ("hostId" uuid, "facts" jsonb)
      JOIN "Host" h ON h."id" = t."hostId" LEFT JOIN "HostBeat" b ON b."hostId" = t."hostId"
    ), written AS (
      INSERT INTO "HostBeat" AS b ("hostId", "lastSeenAt", "missed", "facts")
      SELECT "hostId", CASE WHEN "facts" IS NULL THEN NULL ELSE now() END, CASE WHEN "facts" IS NULL THEN 1 ELSE 0 END,
        COALESCE("facts", '{}') FROM told ORDER BY "hostId"
      ON CONFLICT ("hostId") DO UPDATE SET "lastSeenAt" = COALESCE(EXCLUDED."lastSeenAt", b."lastSeenAt"),
        "missed" = CASE WHEN EXCLUDED."missed" = 0 THEN 0 ELSE b."missed" + 1 END,
        "facts" = CASE WHEN EXCLUDED."missed" = 0 THEN EXCLUDED."facts" ELSE b."facts" END
      RETURNING "hostId", "missed", "lastSeenAt"
    )
    SELECT w."hostId"::text AS "hostId", w."missed", t."facts" IS NOT NULL AND t."changed" AS "changed",
      (extract(epoch FROM clock_timestamp() - w."lastSeenAt") * 1000)::float8 AS "silentMs"
    FROM written w JOIN told t ON t."hostId" = w."hostId"`
}

/** Writes the report of one host at its registration. */
export const noteReport = (ctx: Ctx, hostId: string, report: KeptReport): Promise<Heard[]> =>
  writeBeats(ctx, new Map([[hostId, report]]))

export type Row = Overcommit & {
  id: string
  accelerator: string
  vcpus: number
  memoryMib: number
  diskGib: number
}

/**
 * Writes the capacities of hosts that can carry more or less than their rows say, in the order in which launches lock
 * the rows. A host on which room is claimed at this moment is left for the next beat. Returns the ids of the changed hosts.
 */
export async function writeCapacities(
  ctx: Ctx,
  rows: readonly Row[],
  reports: ReadonlyMap<string, KeptReport | null>,
): Promise<string[]> {
  // A silent host makes a beat seconds long, and meanwhile room on a busy host is claimed again and again.
  const used = await ctx.db.host.findMany({ select: { id: true, diskGibUsed: true } })
  const usedNow = new Map(used.map((row) => [row.id, row.diskGibUsed]))
  const changes = rows.flatMap((row) => {
    const report = reports.get(row.id)
    const claimed = usedNow.get(row.id)
    if (!report || claimed === undefined) return []
    const now = capacityOf(factsIn(report), { diskGib: claimed }, row)
    const { accelerator } = report.machine
    const same = now.vcpus === row.vcpus && now.memoryMib === row.memoryMib && now.diskGib === row.diskGib
    if (same && accelerator === row.accelerator) return []
    return [{ id: row.id, ...now, accelerator, claimed }]
  })
  return writeChanges(ctx, changes)
}

type Change = Capacity & { id: string; accelerator: string; claimed: number }

/** Writes all changes at once. When that fails, it writes each half alone, down to the single change that cannot be written and is left out. */
async function writeChanges(ctx: Ctx, changes: readonly Change[]): Promise<string[]> {
  if (changes.length === 0) return []
  try {
    return await writeTogether(ctx, changes)
  } catch (error) {
    const [{ id: hostId }, ...others] = changes as readonly [Change, ...Change[]]
    if (others.length === 0) {
      ctx.log.warn({ err: error, hostId }, 'what a host can carry cannot be written')
      return []
    }
    const half = changes.length >> 1
    return [
      ...(await writeChanges(ctx, changes.slice(0, half))),
      ...(await writeChanges(ctx, changes.slice(half))),
    ]
  }
}

async function writeTogether(ctx: Ctx, changes: readonly Change[]): Promise<string[]> {
  const changed = await ctx.db.$queryRaw<{ id: string }[]>`
    WITH now AS (
      SELECT n.* FROM "Host" h JOIN jsonb_to_recordset(${JSON.stringify(changes)}::jsonb) AS n
        ("id" uuid, "vcpus" int, "memoryMib" int, "diskGib" int, "accelerator" text, "claimed" int)
        ON n."id" = h."id" AND n."claimed" = h."diskGibUsed"
      ORDER BY h."id" FOR NO KEY UPDATE OF h
    )
    UPDATE "Host" h SET "vcpus" = n."vcpus", "memoryMib" = n."memoryMib", "diskGib" = n."diskGib",
      "accelerator" = n."accelerator"
    FROM now n WHERE h."id" = n."id" RETURNING h."id"::text AS "id"`
  return changed.map(({ id }) => id)
}

/** How many missed beats and how much silence, in ms, make a host suspect, and how many make it down. */
const patience = {
  suspect: { missed: 2, silentMs: 12_000 },
  down: { missed: 5, silentMs: 30_000 },
}

/**
 * The state of a host after a beat. Both limits must be reached, because this worker may have been away itself: then
 * the host was last seen long ago but has missed no beat.
 */
export function stateAfter(before: HostState, heard: Pick<Heard, 'missed' | 'silentMs'>): HostState {
  if (before === 'fenced') return 'fenced'
  if (heard.missed === 0) return 'up'
  const past = ({ missed, silentMs }: { missed: number; silentMs: number }) =>
    heard.missed >= missed && (heard.silentMs ?? Number.POSITIVE_INFINITY) >= silentMs
  if (before === 'down' || past(patience.down)) return 'down'
  return past(patience.suspect) ? 'suspect' : before
}
