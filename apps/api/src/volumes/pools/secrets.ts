import { z } from 'zod'
import { seal, unseal } from '../../identity/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { invariant } from '../../kernel/errors.ts'

/**
 * What hosts must know of a pool and nobody else may: passwords and keys, by name. They are sealed in the row, and never
 * stand in specs, documents, logs or arguments of programs.
 */
export type PoolSecrets = Readonly<Record<string, string>>
const schema = z.record(z.string(), z.string())

/** The text for the row of the pool; null for no secrets. */
export const sealedSecrets = (ctx: Ctx, poolId: string, secrets: PoolSecrets): string | null =>
  Object.keys(secrets).length === 0 ? null : seal(ctx, poolId, JSON.stringify(secrets))

export function secretsOf(ctx: Ctx, pool: { id: string; name: string; secrets: string | null }): PoolSecrets {
  if (pool.secrets === null) return {}
  const text = unseal(ctx, pool.id, pool.secrets)
  invariant(text !== null, `the secrets of the pool ${pool.name} were not sealed by this cloud`)
  return schema.parse(JSON.parse(text))
}
