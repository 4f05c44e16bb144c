import type { Deps } from '../kernel/context.ts'
import { shown } from './audit.ts'

/** Is there an event that tells of this request, of those that the audit log shows? */
export async function inAudit(deps: Deps, requestId: string): Promise<boolean> {
  return (await deps.root.event.count({ where: { requestId, ...shown } })) > 0
}
