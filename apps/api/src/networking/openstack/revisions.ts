import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { Call } from '../../openstack/operation.ts'
import { lockRevision, type Revisioned } from '../revision.ts'
import { badRequest } from './errors.ts'

type Revised<Row> = {
  table?: Revisioned
  one: (ctx: Ctx, id: string) => Promise<Row>
  views: (ctx: Ctx, rows: readonly Row[]) => Promise<Record<string, unknown>[]> | Record<string, unknown>[]
}

/**
 * Checks If-Match: revision_number=N. Throws 412 when the thing has another revision, and 400 for every other
 * condition, because the cloud checks no other one. The row is locked until the transaction of the call's context ends.
 */
export async function requireRevision<Row>(resource: Revised<Row>, call: Call, id: string): Promise<void> {
  const condition = call.request.headers['if-match']
  if (condition === undefined) return
  const wanted = /^\s*revision_number=(\d{1,9})\s*$/.exec(condition)?.[1]
  if (wanted === undefined)
    throw badRequest("Invalid If-Match header. Reason: write it as 'revision_number=' and a number.")
  if (resource.table === undefined) throw badRequest('Revision matching not supported for this resource')
  const { ctx } = call
  await resource.one(ctx, id)
  await lockRevision(ctx, resource.table, id)
  const [view] = await resource.views(ctx, [await resource.one(ctx, id)])
  if (view?.revision_number !== Number(wanted))
    throw new HttpError(412, `Constrained to ${wanted}, but current revision is ${view?.revision_number}`, {
      type: 'RevisionNumberConstraintFailed',
    })
}

/** Runs `work`; a call with If-Match is checked and run in one transaction. */
export async function withRevision<Row, Answer>(
  resource: Revised<Row>,
  call: Call,
  id: string,
  work: (call: Call) => Promise<Answer>,
): Promise<Answer> {
  if (call.request.headers['if-match'] === undefined) return work(call)
  return inTransaction(call.ctx, async (ctx) => {
    await requireRevision(resource, { ...call, ctx }, id)
    return work({ ...call, ctx })
  })
}
