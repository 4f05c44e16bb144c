import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { CloudError } from './errors.ts'

/**
 * A hook that lets in only the one process of ours that has this secret (header x-internal-secret);
 * without a secret, nobody.
 */
export const demandSecret = (expected: string | null) => async (request: FastifyRequest) => {
  if (expected === null || !sameSecret(request.headers['x-internal-secret'], expected))
    throw new CloudError('forbidden', 'This address is for our own processes.')
}

/** Both sides are hashed, so neither length nor prefix shows in the time that it takes. */
function sameSecret(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
