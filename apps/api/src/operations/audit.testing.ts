import { Prisma } from '@stratolith/db'
import { type Deps, systemCtx } from '../kernel/context.ts'
import { newestEvents } from '../kernel/history.ts'
import { shown } from './audit.ts'

/** True when the audit log shows an event of this request. */
export async function inAudit(deps: Deps, requestId: string): Promise<boolean> {
  const ofRequest = Prisma.sql`e."requestId" = ${requestId}`
  return (await newestEvents(systemCtx(deps, 'audit'), [shown, ofRequest], 1)).length > 0
}
