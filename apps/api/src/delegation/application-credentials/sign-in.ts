import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { findUser, type UserRef, verifyPassword } from '../../directory/service.ts'
import {
  type AuthMethod,
  type Issued,
  issueToken,
  type Origin,
  proving,
  refused,
  userBody,
  userOf,
} from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { digestOfSecret } from './service.ts'

const text = z.string().min(1).max(255)
const secret = z.string().max(4096)
const body = z.union([z.object({ id: text, secret }), z.object({ name: text, user: userBody, secret })])

/** auth.identity.application_credential. Source: Keystone api-ref v3, "Authenticating with an Application Credential". */
export const byApplicationCredential: AuthMethod = {
  name: 'application_credential',
  async issue(ctx, given, _request, origin) {
    const proof = body.parse(given)
    const credential = 'id' in proof ? { id: proof.id } : { name: proof.name, user: userOf(proof.user) }
    return issueByApplicationCredential(ctx, { credential, secret: proof.secret }, origin)
  },
}

/** The two ways to name an application credential: by its id, or by its name together with its user. */
export type CredentialRef = { id: string } | { name: string; user: UserRef }

/**
 * Issues a token by an application credential, for the project of the credential and nothing else. Throws the same
 * `unauthenticated` for an unknown credential, a wrong secret and a credential that has expired.
 */
export async function issueByApplicationCredential(
  ctx: Ctx,
  input: { credential: CredentialRef; secret: string },
  origin: Origin,
): Promise<Issued> {
  return proving(ctx, origin.source, async () => {
    const found = await find(ctx, input.credential)
    if (!(await isSecret(found?.secretHash ?? null, input.secret)) || !found) return null
    const wish = {
      userId: found.userId,
      scope: { kind: 'project' as const, projectId: found.projectId },
      methods: ['application_credential'],
      applicationCredentialId: found.id,
      notAfter: found.expiresAt,
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

/** Takes the same work whether the credential is unknown or the secret is wrong (A16.1). */
async function isSecret(hash: string | null, secret: string): Promise<boolean> {
  if (hash?.startsWith('$')) return verifyPassword(hash, secret)
  const digest = Buffer.from(digestOfSecret(secret))
  const kept = Buffer.from(hash ?? '')
  if (kept.length === digest.length && timingSafeEqual(kept, digest)) return true
  return verifyPassword(null, secret)
}
