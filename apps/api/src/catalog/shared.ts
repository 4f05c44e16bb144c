import { randomBytes } from 'node:crypto'
import type { Ctx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'

/** As many of one kind as administrators may add: every token's catalog is made of them. */
export const maxAdded = 500

export const builtInStays = (kind: string): CloudError =>
  new CloudError(
    'forbidden',
    `This ${kind} is one of the cloud's own and follows from its configuration: it cannot be changed here.`,
  )

export const catalogEvent = (
  ctx: Ctx,
  kind: 'service' | 'endpoint' | 'region' | 'registered_limit' | 'limit' | 'endpoint_group',
  what: 'created' | 'updated' | 'deleted',
  id: string,
  projectId: string | null = null,
) => appendEvent(ctx, { kind: `${kind}.${what}`, projectId, resourceKind: kind, resourceId: id, data: {} })

export const newCatalogId = (): string => randomBytes(16).toString('hex')

/** Changes to the catalog are rare and go one after the other: nothing is left naming what is gone. */
export async function lockCatalog(ctx: Ctx): Promise<void> {
  await ctx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('catalog'))`
}
