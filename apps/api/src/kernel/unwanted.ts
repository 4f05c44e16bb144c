import type { Ctx } from './context.ts'
import { continueOperation } from './workflow.ts'

/**
 * The end of an operation that somebody does not want any more. Its input says so, at which the workflow looks again and again. Returns
 * whether there was such an operation of one of these actions that is not over, not being undone, and not asked to end.
 */
export async function askForEnd(
  tx: Ctx,
  {
    resourceKind,
    resourceId,
    actions,
  }: { resourceKind: string; resourceId: string; actions: readonly string[] },
): Promise<boolean> {
  const asked = await tx.db.$queryRaw<{ id: string }[]>`
    UPDATE "Operation" SET "input" = "input" || '{"unwanted": true}'::jsonb
    WHERE "resourceKind" = ${resourceKind} AND "resourceId" = ${resourceId} AND "action" = ANY(${[...actions]}::text[])
      AND "state" IN ('queued', 'running') AND NOT "input" ? 'unwanted' RETURNING "id"::text`
  for (const { id } of asked) await continueOperation(tx, id)
  return asked.length > 0
}

/** Whether somebody has asked for the end of the operation. */
export async function isUnwanted({ deps }: Pick<Ctx, 'deps'>, operationId: string): Promise<boolean> {
  const where = { id: operationId }
  const operation = await deps.root.operation.findUnique({ where, select: { input: true } })
  return (operation?.input as { unwanted?: boolean } | undefined)?.unwanted === true
}
