import { createHash, randomBytes } from 'node:crypto'
import { signerById } from '../../directory/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { VerifiedUser } from '../sign-in.ts'
import { unauthenticated } from '../tokens.ts'

/** Receipts: proof of the first factor while the second is missing (Keystone's Openstack-Auth-Receipt). */

const lifetimeMs = 5 * 60_000
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

export type Receipt = {
  text: string
  user: { id: string; name: string; domain: { id: string; name: string } }
  methods: string[]
  issuedAt: Date
  expiresAt: Date
  required: string[][]
}

/** Thrown when the proofs are right, but are not enough. The receipt records them. */
export class MoreFactors extends CloudError {
  readonly receipt: Receipt
  constructor(receipt: Receipt) {
    super('unauthenticated', 'Another proof is needed: type the code of your authenticator.', {
      field: 'code',
    })
    this.receipt = receipt
  }
}

export async function giveReceipt(
  ctx: Ctx,
  userId: string,
  methods: string[],
  required: string[][],
): Promise<Receipt> {
  const text = randomBytes(32).toString('base64url')
  const issuedAt = new Date()
  const expiresAt = new Date(issuedAt.getTime() + lifetimeMs)
  const user = await signerById(ctx, userId)
  if (!user) throw unauthenticated()
  await ctx.db.authReceipt.create({ data: { hash: hashOf(text), userId, methods, issuedAt, expiresAt } })
  const { id, name, domain } = user
  return { text, user: { id, name, domain }, methods, issuedAt, expiresAt, required }
}

export type Held = { user: VerifiedUser; methods: string[] }
/**
 * Returns the user of the receipt and the methods that the receipt proves. Null when it has expired, was used, or
 * stands on something that has changed since (the password, a revocation of everything, the user was disabled).
 */
export async function readReceipt(ctx: Ctx, text: string): Promise<Held | null> {
  const row = await ctx.db.authReceipt.findUnique({
    where: { hash: hashOf(text), expiresAt: { gt: new Date() } },
  })
  const user = row && (await signerById(ctx, row.userId))
  if (!user || user.tokensValidAfter > row.issuedAt) return null
  const { id, domain, passwordHash, defaultProjectId, options } = user
  return { methods: row.methods, user: { id, domainId: domain.id, passwordHash, defaultProjectId, options } }
}

/** Ends the receipt; throws when it has been used already. Runs in the transaction that writes the token. */
export async function spendReceipt(ctx: Ctx, text: string): Promise<void> {
  const { count } = await ctx.db.authReceipt.deleteMany({ where: { hash: hashOf(text) } })
  if (count === 0) throw unauthenticated()
}

export async function dropExpiredReceipts(ctx: Ctx): Promise<void> {
  await ctx.db.authReceipt.deleteMany({ where: { expiresAt: { lt: new Date() } } })
}
