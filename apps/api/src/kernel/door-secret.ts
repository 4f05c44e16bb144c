import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { CloudError } from './errors.ts'

/**
 * Makes a hook that admits only our process that has this secret (header x-internal-secret); without a
 * secret it admits nobody.
 */
export const demandSecret = (expected: string | null) => async (request: FastifyRequest) => {
  if (expected === null || !sameSecret(request.headers['x-internal-secret'], expected))
    throw new CloudError('forbidden', 'This address is for our own processes.')
}

/** Compares hashes, so that the time of the comparison tells neither the length nor a prefix of the secret. */
function sameSecret(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
