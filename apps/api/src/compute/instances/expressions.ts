import type { Prisma } from '@stratolith/db'
import { RE2JS } from 're2js'
import type { Ctx } from '../../kernel/context.ts'
import { invalidInput } from '../../kernel/errors.ts'
import { likeLiteral, whole } from '../../kernel/page.ts'
import { instancesWithAddress } from '../../networking/service.ts'

/** Regular expressions of Nova's filters, matched in linear time. */
export type Expressions = { name?: string; ip?: string; ip6?: string }

/** Most characters of an expression, and most instances that an expression is compared with. */
const maxPattern = 255
const maxCandidates = 20_000

/**
 * Adds to `where` a filter for the names and addresses that the expressions match. Costs one query, which reads only
 * names.
 */
export async function byExpressions(
  ctx: Ctx,
  { name, ip, ip6 }: Expressions,
  where: Prisma.InstanceWhereInput,
): Promise<Prisma.InstanceWhereInput> {
  const isName = name === undefined ? null : expression(name, 'name')
  const matches = addressMatcher(ip, ip6)
  if (!isName && !matches) return where
  // PostgreSQL finds plain words; other expressions are matched here.
  if (isName && !matches && /^[\w -]+$/.test(name ?? ''))
    return { AND: [where, { name: { contains: likeLiteral(name ?? '') } }] }
  const rows = whole(
    await ctx.db.instance.findMany({ where, select: { id: true, name: true }, take: maxCandidates + 1 }),
    maxCandidates,
    'An expression is not held against so many instances: narrow the list by project, status, image, flavor or host.',
  )
  const named = isName ? rows.filter((row) => isName.test(row.name)) : rows
  const ids = named.map((row) => row.id)
  if (!matches) return { AND: [where, { id: { in: ids } }] }
  return { AND: [where, { id: { in: await instancesWithAddress(ctx, ids, matches) } }] }
}

/**
 * Returns a test whether an address matches. `ip` is about IPv4, `ip6` about IPv6; with both, either may match, as in
 * Nova.
 */
function addressMatcher(ip?: string, ip6?: string): ((address: string) => boolean) | null {
  if (ip === undefined && ip6 === undefined) return null
  const four = ip === undefined ? null : expression(ip, 'ip')
  const six = ip6 === undefined ? null : expression(ip6, 'ip6')
  return (address) => (address.includes(':') ? six : four)?.test(address) ?? false
}

function expression(text: string, field: string): { test(value: string): boolean } {
  if (text.length > maxPattern) throw invalidInput(`The expression for ${field} is too long.`, field)
  try {
    const compiled = RE2JS.compile(text)
    return { test: (value) => compiled.matcher(value).find() }
  } catch {
    throw invalidInput(`Invalid input for query parameters ${field}. Value: ${text}.`, field)
  }
}
