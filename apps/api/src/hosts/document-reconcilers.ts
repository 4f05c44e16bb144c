import { Prisma } from '@stratolith/db'
import type { Ctx } from '../kernel/context.ts'
import type { Reconciler } from '../kernel/reconciler.ts'
import { documentRooms } from './document-rooms.ts'
import { deliverAll, deliverWhere, doubted, mostAtOnce } from './documents.ts'

/** The reconcilers of documents: they deliver documents to hosts and delete those that nobody needs. */
export const documentReconcilers: Reconciler[] = [
  // The triggers wake this reconciler; its period is for documents that are to be told again.
  { name: 'hosts.documents', everyMs: 5_000, run: deliverAll },
  // This takes seconds in a big cloud, so it is not part of the reconciler above.
  {
    name: 'hosts.documents.all',
    everyMs: 60_000,
    run: (ctx) => deliverWhere(ctx, [Prisma.sql`true`]),
  },
  { name: 'hosts.documents.forget', everyMs: 600_000, run: forgetDocuments },
]

/** A host remembers the generation of a removed thing for an hour (the agent's keeper). So long the generation must only grow. */
const forgetAfter = Prisma.sql`interval '2 hours'`

async function forgetDocuments(ctx: Ctx): Promise<void> {
  for (let many = true; many; ) {
    const [old] = await ctx.db.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS "count", stratolith_forget(array_agg("kind"), array_agg("thing"))::text FROM (
        SELECT "kind", "thing" FROM "Document" d WHERE d."changedAt" < now() - ${forgetAfter}
          AND NOT EXISTS (SELECT FROM "HostDocument" h WHERE h."kind" = d."kind" AND h."thing" = d."thing")
        LIMIT ${mostAtOnce}) old`
    many = old?.count === mostAtOnce
  }
  await ctx.db.$executeRaw`
    DELETE FROM "HostDocument" WHERE "kind" LIKE 'gone %' AND "since" < now() - ${forgetAfter}`
  for (const { kind, isRowless } of documentRooms())
    if (isRowless)
      await ctx.db.$executeRaw`
        DELETE FROM "HostDocument" h WHERE h."kind" = ${kind} AND h."wanted" AND ${isRowless(Prisma.sql`h."thing"`)}`
  // Rows with a generation above the newest (after a restore) are doubted, because no receipt for the newest would count.
  await ctx.db.$executeRaw`
    UPDATE "HostDocument" h SET ${doubted} FROM "Document" d
    WHERE d."kind" = h."kind" AND d."thing" = h."thing"
      AND (h."told" > d."generation" OR h."confirmed" > d."generation")`
}
