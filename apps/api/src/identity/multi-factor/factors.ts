import type { UserOptions } from '../../directory/users/contract.ts'

/** Ways to prove who one is that a rule can ask for together. */
const known = new Set(['password', 'totp'])

/**
 * What a user must still give after `methods`: the rules of his options, each one way in; null when
 * it is enough. A rule that asks for a method that there is not can never be met, so it opens nothing.
 */
export function missingFactors(options: UserOptions, methods: readonly string[]): string[][] | null {
  const rules = options.multi_factor_auth_rules ?? []
  if (options.multi_factor_auth_enabled !== true || rules.length === 0) return null
  const met = rules.some((rule) => rule.every((method) => known.has(method) && methods.includes(method)))
  return met ? null : rules
}

/** Does a sign-in by password need a code as well? */
export const needsCode = (options: UserOptions): boolean => missingFactors(options, ['password']) !== null
