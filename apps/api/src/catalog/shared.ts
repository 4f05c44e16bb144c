import { randomBytes } from 'node:crypto'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { appendEventsWith } from '../kernel/events.ts'

/** How many things of one kind administrators may add at most, because every token's catalog is made of them. */
export const maxAdded = 500

export const builtInStays = (kind: string): CloudError =>
  new CloudError(
    'forbidden',
    `This ${kind} is one of the cloud's own and follows from its configuration: it cannot be changed here.`,
  )

type Kind = 'service' | 'endpoint' | 'region' | 'registered_limit' | 'limit' | 'endpoint_group'
type What = 'created' | 'updated' | 'deleted'
export const catalogEvent = (ctx: Ctx, kind: Kind, what: What, id: string, projectId: string | null = null) =>
  catalogEvents(ctx, kind, what, [{ id, projectId }])

/** Appends the events of several things in one statement. */
export const catalogEvents = (
  ctx: Ctx,
  kind: Kind,
  what: What,
  rows: readonly { id: string; projectId?: string | null }[],
) =>
  appendEventsWith(
    ctx,
    rows.map(({ id, projectId = null }) => ({
      kind: `${kind}.${what}`,
      projectId,
      resourceKind: kind,
      resourceId: id,
    })),
    [],
  )

export const newCatalogId = (): string => randomBytes(16).toString('hex')

/** Makes changes to the catalog run one after the other, so that no row can name a thing that is just being deleted. Changes are rare. */
export async function lockCatalog(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('catalog'))`
}
