import { timingSafeEqual } from 'node:crypto'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { UserRef } from '../backends/backend.ts'
import { verifyPassword } from '../passwords.ts'
import { findUser, proving } from '../sign-in.ts'
import type { TokenFacts } from '../token-facts.ts'
import { issueToken, type Origin, refused } from '../tokens.ts'
import { digestOfSecret } from './service.ts'

/** How a program names its credential: by id, or by name together with its user. */
export type CredentialRef = { id: string } | { name: string; user: UserRef }

/**
 * A token by application credential, for its project and nothing else. Throws the same
 * `unauthenticated` for an unknown one, a wrong secret, and one that is over.
 */
export async function issueByApplicationCredential(
  ctx: Ctx,
  input: { credential: CredentialRef; secret: string },
  origin: Origin,
): Promise<{ text: string; facts: TokenFacts }> {
  return proving(ctx, origin.source, async () => {
    const found = await find(ctx, input.credential)
    if (!(await isSecret(found?.secretHash ?? null, input.secret)) || !found) return null
    const wish = {
      userId: found.userId,
      scope: { kind: 'project' as const, projectId: found.projectId },
      methods: ['application_credential'],
      applicationCredentialId: found.id,
      origin,
    }
    return inTransaction(ctx, (tx) => issueToken(tx, wish)).catch(refused)
  })
}

async function find(ctx: Ctx, ref: CredentialRef) {
  if ('id' in ref) return isStorable(ref.id) ? ctx.db.applicationCredential.findUnique({ where: ref }) : null
  const user = await findUser(ctx, ref.user)
  if (!user || !isStorable(ref.name)) return null
  return ctx.db.applicationCredential.findUnique({
    where: { userId_name: { userId: user.id, name: ref.name } },
  })
}
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed()

/** The same work for whatever is wrong (A16.1). */
async function isSecret(hash: string | null, secret: string): Promise<boolean> {
  if (hash?.startsWith('$')) return verifyPassword(hash, secret)
  const digest = Buffer.from(digestOfSecret(secret))
  const kept = Buffer.from(hash ?? '')
  if (kept.length === digest.length && timingSafeEqual(kept, digest)) return true
  return verifyPassword(null, secret)
}
