import type { UserOptions } from '../../directory/users/contract.ts'

/** The methods that a rule of a user may ask for together. */
const known = new Set(['password', 'totp'])

/**
 * Returns the combinations of methods that the user's rules accept, or null when `methods` meet one of them. A rule
 * with an unknown method can never be met, so it opens nothing.
 */
export function missingFactors(options: UserOptions, methods: readonly string[]): string[][] | null {
  const rules = options.multi_factor_auth_rules ?? []
  if (options.multi_factor_auth_enabled !== true || rules.length === 0) return null
  const met = rules.some((rule) => rule.every((method) => known.has(method) && methods.includes(method)))
  return met ? null : rules
}

/** Tells whether a sign-in by password needs a code as well. */
export const needsCode = (options: UserOptions): boolean => missingFactors(options, ['password']) !== null
