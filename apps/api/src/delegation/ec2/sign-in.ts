import {
  type CredentialRow,
  credentialByAccess,
  ec2Keys,
  type Issued,
  issueToken,
  openCredential,
  proving,
  refused,
} from '../../identity/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import { type SignedRequest, signatureHolds } from './signature.ts'

/**
 * Issues a token for the user who signed a request, to the service that received the request. Only services may call
 * this: a signed request that somebody overheard must not become a token of its user (OSSA-2025-002). The token gives
 * the roles that the user of the credential has in its project now, and not more than the delegation that the
 * credential was made with.
 */
export async function issueBySignature(ctx: Ctx, request: SignedRequest, source: string): Promise<Issued> {
  authorize(ctx, 'identity:verify_signature')
  return proving(ctx, source, async () => {
    const row = await credentialByAccess(ctx, request.access)
    // An unknown key takes the same work as a wrong signature (A16.1).
    const keys = row ? ec2Keys.parse(JSON.parse(openCredential(ctx, row))) : { secret: 'nobody has this one' }
    const holds = signatureHolds(request, keys.secret)
    if (!row || row.projectId === null || !holds) return null
    const { trust, notAfter } = await boundsOf(ctx, row)
    const wish = {
      userId: trust?.impersonation ? trust.trustorId : row.userId,
      scope: { kind: 'project' as const, projectId: row.projectId },
      methods: ['ec2credential'],
      origin: { source, userAgent: '' },
      credentialId: row.id,
      applicationCredentialId: row.applicationCredentialId ?? undefined,
      trustId: row.trustId ?? undefined,
      notAfter,
      concerned: trust ? [trust.trustorId, trust.trusteeId] : [],
    }
    return inTransaction(ctx, (tx) => issueToken(tx, wish)).catch(refused)
  })
}

/** The delegation that the credential was made with, and when that delegation expires (null: never). */
async function boundsOf(ctx: Ctx, { trustId, applicationCredentialId }: CredentialRow) {
  const trust =
    trustId === null
      ? null
      : await ctx.db.trust.findUnique({
          where: { id: trustId },
          select: { impersonation: true, trustorId: true, trusteeId: true, expiresAt: true },
        })
  const own =
    applicationCredentialId === null
      ? null
      : await ctx.db.applicationCredential.findUnique({
          where: { id: applicationCredentialId },
          select: { expiresAt: true },
        })
  const ends = [trust?.expiresAt, own?.expiresAt].flatMap((at) => (at ? [at.getTime()] : []))
  return { trust, notAfter: ends.length === 0 ? null : new Date(Math.min(...ends)) }
}
