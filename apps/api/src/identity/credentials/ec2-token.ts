import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import { proving } from '../sign-in.ts'
import type { TokenFacts } from '../token-facts.ts'
import { issueToken, refused } from '../tokens.ts'
import { ec2Keys } from './blobs.ts'
import { open } from './service.ts'
import { type SignedRequest, signatureHolds } from './signature.ts'

/**
 * A token for whoever signed a request, for the service that received it. Only services ask: a
 * signed request that somebody overheard must not become a token of its user (OSSA-2025-002).
 * The token is worth what the credential is: its user's roles in its project now, and not more
 * than the delegation that it was made with.
 */
export async function issueBySignature(
  ctx: Ctx,
  request: SignedRequest,
  source: string,
): Promise<{ text: string; facts: TokenFacts }> {
  authorize(ctx, 'identity:verify_signature')
  return proving(ctx, source, async () => {
    const row = await ctx.db.credential.findUnique({
      where: { accessKey: request.access },
      include: { trust: { select: { impersonation: true, trustorId: true } } },
    })
    // An unknown key takes the same work as a wrong signature (A16.1).
    const keys = row ? ec2Keys.parse(JSON.parse(open(ctx, row))) : { secret: 'nobody has this one' }
    const holds = signatureHolds(request, keys.secret)
    if (!row || row.projectId === null || !holds) return null
    const wish = {
      userId: row.trust?.impersonation ? row.trust.trustorId : row.userId,
      scope: { kind: 'project' as const, projectId: row.projectId },
      methods: ['ec2credential'],
      origin: { source, userAgent: '' },
      credentialId: row.id,
      applicationCredentialId: row.applicationCredentialId ?? undefined,
      trustId: row.trustId ?? undefined,
    }
    return inTransaction(ctx, (tx) => issueToken(tx, wish)).catch(refused)
  })
}
