import type { AccessRule } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { RequestFacts } from '../../openstack/mount.ts'

/**
 * Tells whether a path fits the pattern of an access rule. `*` and `{name}` stand for one part of a path, `**` for any
 * number of characters, slashes included. The pattern does not become a regular expression, so the work is bounded:
 * |pattern| × |path| steps.
 * Source: Keystone admin guide, "Application Credentials: access rules".
 */
export function pathMatches(pattern: string, path: string): boolean {
  const tokens = pattern.match(/\{[^}]*\}|\*\*|\*|./gsu) ?? []
  // fits[i] says whether the tokens so far can stand for the first i characters of the path.
  let fits = Array<boolean>(path.length + 1).fill(false)
  fits[0] = true
  for (const token of tokens) fits = step(fits, token, path)
  return fits[path.length] === true
}

function step(before: boolean[], token: string, path: string): boolean[] {
  const wild = token === '**'
  const part = token === '*' || (token.length > 1 && token.startsWith('{'))
  const after = Array<boolean>(path.length + 1).fill(false)
  if (wild) after[0] = before[0] === true
  for (let i = 1; i <= path.length; i++) {
    const char = path[i - 1]
    if (wild) after[i] = before[i] === true || after[i - 1] === true
    else if (part) after[i] = char !== '/' && (before[i - 1] === true || after[i - 1] === true)
    else after[i] = char === token && before[i - 1] === true
  }
  return after
}

/** Other names that clients and old guides use for a service of the catalog. */
const aliases: Record<string, string> = { volumev3: 'block-storage', volume: 'block-storage' }
const typeOf = (service: string) => aliases[service] ?? service

/**
 * Throws `forbidden` for a request that none of the rules allows. All callers may validate and revoke their own token.
 * A path that the router could read differently from this function fits no rule.
 */
export function demandAccess(rules: readonly AccessRule[], { service, method, path }: RequestFacts): void {
  const clear = clearPath(path)
  if (clear !== null) {
    if (service === 'identity' && clear === '/v3/auth/tokens' && method !== 'POST') return
    const fits = (rule: AccessRule) =>
      typeOf(rule.service) === typeOf(service) && rule.method === method && pathMatches(rule.path, clear)
    if (rules.some(fits)) return
  }
  throw new CloudError(
    'forbidden',
    'The access rules of this application credential do not allow this request. Use a credential whose rules do.',
  )
}

function clearPath(path: string): string | null {
  if (/[#;\\]|%(?:2f|5c|23|3b|3f|25)/i.test(path)) return null
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
