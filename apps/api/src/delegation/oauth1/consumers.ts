import { randomBytes } from 'node:crypto'
import { newId, sessionEnded } from '../../directory/service.ts'
import { seal } from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import type { ConsumerView } from './contract.ts'

const most = 1000
const columns = { id: true, description: true }

export async function listConsumers(ctx: Ctx): Promise<ConsumerView[]> {
  authorize(ctx, 'identity:list_consumers')
  return ctx.db.oAuthConsumer.findMany({ select: columns, orderBy: { id: 'asc' }, take: most })
}

/** Throws not_found. */
export async function getConsumer(
  ctx: Ctx,
  id: string,
  action = 'identity:list_consumers',
): Promise<ConsumerView> {
  authorize(ctx, action)
  const row = await ctx.db.oAuthConsumer.findUnique({ where: { id }, select: columns })
  if (!row) throw notFound('consumer', id)
  return row
}

/** The answer has the secret, which is shown this once. */
export async function createConsumer(
  ctx: Ctx,
  input: { description?: string | null },
): Promise<ConsumerView & { secret: string }> {
  authorize(ctx, 'identity:change_consumers')
  return inTransaction(ctx, async (tx) => {
    if ((await tx.db.oAuthConsumer.count()) >= most)
      throw new CloudError('forbidden', `There are ${most} consumers already. Delete one first.`)
    const [id, secret] = [newId(), newSecret()]
    const data = { id, secret: seal(ctx, id, secret), description: input.description ?? '' }
    const row = await tx.db.oAuthConsumer.create({ data, select: columns })
    await told(tx, 'created', id)
    return { ...row, secret }
  })
}

export async function updateConsumer(
  ctx: Ctx,
  id: string,
  input: { description?: string | null },
): Promise<ConsumerView> {
  await getConsumer(ctx, id, 'identity:change_consumers')
  return inTransaction(ctx, async (tx) => {
    const data = { description: input.description === undefined ? undefined : (input.description ?? '') }
    const [row] = await tx.db.oAuthConsumer.updateManyAndReturn({ where: { id }, data, select: columns })
    if (!row) throw notFound('consumer', id)
    await told(tx, 'updated', id)
    return row
  })
}

/** The consumer's request and access tokens, and the tokens made from these, end at once. */
export async function deleteConsumer(ctx: Ctx, id: string): Promise<void> {
  await getConsumer(ctx, id, 'identity:change_consumers')
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.oAuthConsumer.deleteMany({ where: { id } })
    if (count === 0) throw notFound('consumer', id)
    await sessionEnded(tx, { everyone: true }, 'consumer deleted')
    await told(tx, 'deleted', id)
  })
}

/** 64 hex digits, which need no encoding in an answer of type application/x-www-form-urlencoded. */
export const newSecret = (): string => randomBytes(32).toString('hex')

const told = (ctx: Ctx, what: 'created' | 'updated' | 'deleted', id: string) =>
  appendEvent(ctx, {
    kind: `consumer.${what}`,
    projectId: null,
    resourceKind: 'consumer',
    resourceId: id,
    data: {},
  })
