import { type Deps, systemCtx } from '../kernel/context.ts'
import { pageOfEvents } from '../kernel/history.ts'
import { newest, shown } from './queries.ts'

/** True when the audit log shows an event of this request. */
export async function inAudit(deps: Deps, requestId: string): Promise<boolean> {
  const where = { AND: [shown, { requestId }] }
  const { rows } = await pageOfEvents(systemCtx(deps, 'audit'), { where, sort: newest, page: { limit: 1 } })
  return rows.length > 0
}
