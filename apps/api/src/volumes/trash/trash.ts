import { Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { invariant } from '../../kernel/errors.ts'
import type { Reconciler } from '../../kernel/reconciler.ts'

/**
 * The trash: what a person has deleted waits for a time, in which it can be taken back, before its data go. A kind of
 * things takes part with a column `trashedUntil` in its table, which is null for everything that is not deleted. Rooms
 * leave rows with a time out of everything that they show or change, and count them in quota and room until they are
 * really gone. Times are those of the database's clock.
 */
export type Trash = {
  /** The kind in the event log. */
  kind: string
  table: 'Volume' | 'VolumeSnapshot' | 'VolumeBackup'
  /** The states of rows to which something is being done: they are not asked for until that is over, so that they hold up none. */
  busy: readonly string[]
  /**
   * Begins to remove a thing whose time is over, under the lock of its row. Does nothing when somebody has taken it back
   * meanwhile, or while something is still being done to it: it is asked for again.
   */
  end(ctx: Ctx, id: string): Promise<void>
  /** True of rows that wait for something else, and are not asked for until that is over. */
  waits?: Prisma.Sql
}

/** The time for which things wait, in minutes; 0: they do not wait. */
export const waitMinutes = ({ deps }: Pick<Ctx, 'deps'>): number => deps.config.takeBackMs / 60_000

/** Puts a thing into the trash, in the transaction that has locked its row. Returns until when it can be taken back. */
export async function putInTrash(
  ctx: Ctx,
  { table }: Pick<Trash, 'table'>,
  id: string,
  waitMs = ctx.deps.config.takeBackMs,
): Promise<Date> {
  const [row] = await ctx.db.$queryRaw<{ until: Date }[]>`
    UPDATE ${named(table)} SET "trashedUntil" = now() + make_interval(secs => ${waitMs / 1000})
    WHERE "id" = ${id}::uuid RETURNING "trashedUntil" AS "until"`
  invariant(row, `no row ${id} in ${table}`)
  return row.until
}

/** Takes a thing out of the trash, in the transaction that has locked its row. */
export async function takeFromTrash(ctx: Ctx, { table }: Pick<Trash, 'table'>, id: string): Promise<void> {
  await ctx.db.$executeRaw`UPDATE ${named(table)} SET "trashedUntil" = NULL WHERE "id" = ${id}::uuid`
}

/** Tells whether the time of a thing is over in which it can be taken back, by the database's clock. */
export async function isDue(ctx: Ctx, { trashedUntil }: { trashedUntil: Date | null }): Promise<boolean> {
  if (trashedUntil === null) return false
  const [row] = await ctx.db.$queryRaw<{ now: Date }[]>`SELECT now()`
  invariant(row, 'now() returns no row')
  return trashedUntil.getTime() <= row.now.getTime()
}

/** How many things of a kind one round begins to remove. */
const atOnce = 100

/** Ends what is due, of every kind. */
export const trashReconciler = (kinds: readonly Trash[]): Reconciler => ({
  name: 'volumes.trash',
  everyMs: 10_000,
  async run(ctx) {
    for (const trash of kinds)
      for (const id of await dueIn(ctx, trash))
        await trash.end(ctx, id).catch((error: unknown) => {
          ctx.log.warn({ err: error, kind: trash.kind, id }, 'a deleted thing could not be removed yet')
        })
  },
})

/** The things whose time is over, without those that are being removed or changed, or wait, so that these hold up none. */
async function dueIn(ctx: Ctx, { table, busy, waits = Prisma.sql`false` }: Trash): Promise<string[]> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT "id"::text FROM ${named(table)} WHERE "trashedUntil" <= now() AND "state" <> ALL (${[...busy]}::text[])
      AND NOT (${waits})
    ORDER BY "trashedUntil" LIMIT ${atOnce}`
  return rows.map(({ id }) => id)
}

const named = (table: Trash['table']) => Prisma.raw(`"${table}"`)
