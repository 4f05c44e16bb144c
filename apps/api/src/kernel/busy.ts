import type { Ctx } from './context.ts'
import { among } from './gathered.ts'

/** Returns which of these resources have an operation under way, and so are being changed by its workflow. */
export const busyAmong = (resourceKind: string) =>
  among(
    ({ deps }, ids) => deps.root.$queryRaw`
      SELECT DISTINCT "resourceId" AS "id" FROM "Operation" WHERE "resourceKind" = ${resourceKind}
        AND "resourceId" = ANY(${[...ids]}::text[]) AND "state" IN ('queued', 'running', 'undoing')`,
  )

/** Tells whether an operation of that action with that input was begun on the same resource after this operation. */
export async function isFollowedBy(
  ctx: Ctx,
  operationId: string,
  action: string,
  input: Readonly<Record<string, string>>,
): Promise<boolean> {
  const rows = await ctx.db.$queryRaw<unknown[]>`
    SELECT 1 FROM "Operation" o JOIN "Operation" later ON later."resourceKind" = o."resourceKind"
      AND later."resourceId" = o."resourceId" AND later."createdAt" > o."createdAt"
    WHERE o."id" = ${operationId}::uuid AND later."action" = ${action} AND later."input" @> ${JSON.stringify(input)}::jsonb
    LIMIT 1`
  return rows.length > 0
}
