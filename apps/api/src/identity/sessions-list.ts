import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import {
  demandNoMore,
  domainNames,
  loadUser,
  lockUser,
  projectNames,
  refuseDelegation,
  sessionEnded,
  voidTokens,
} from '../directory/service.ts'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import type { SessionList, SessionRow, sessionListInput, sessionRef } from './contract.ts'
import { ownToken } from './service.ts'
import { deleteChain } from './tokens.ts'

/** How many tokens of a user are read. With more tokens, only the newest sign-ins are listed. */
const tokenCap = 5000

type TokenRow = {
  chain: string
  root: boolean
  methods: string[]
  projectId: string | null
  domainId: string | null
  system: boolean
  issuedAt: Date
  expiresAt: Date
  source: string
  userAgent: string
  via: SessionRow['via']
}

/** Lists valid sign-ins, newest first: the caller's own, or those of a user whom the caller administers. */
export async function listSessions(ctx: Ctx, input: z.output<typeof sessionListInput>): Promise<SessionList> {
  const userId = input.userId ?? ctx.actor.userId
  await loadUser(ctx, userId, 'identity:list_sessions')
  const current = await ownChain(ctx)
  const rows = await ctx.db.$queryRaw<TokenRow[]>(Prisma.sql`
    SELECT COALESCE(t."parentAuditId", t."auditId") AS "chain", t."parentAuditId" IS NULL AS "root", t."methods",
      t."projectId", t."domainId", t."system", t."issuedAt", t."expiresAt", t."source", t."userAgent",
      CASE WHEN t."credentialId" IS NOT NULL THEN 'ec2' WHEN t."trustId" IS NOT NULL THEN 'trust'
        WHEN t."applicationCredentialId" IS NOT NULL THEN 'application_credential'
        WHEN t."accessTokenId" IS NOT NULL THEN 'oauth1' ELSE 'password' END AS "via"
    FROM "Token" t
    WHERE t."userId" = ${userId} AND t."expiresAt" > clock_timestamp()
    ORDER BY t."issuedAt" DESC LIMIT ${tokenCap}`)
  const names = {
    projects: await projectNames(ctx, idsOf(rows, 'projectId')),
    domains: await domainNames(ctx, idsOf(rows, 'domainId')),
  }
  const sessions = new Map<string, SessionRow>()
  for (const row of rows) {
    const known = sessions.get(row.chain)
    // Rows come newest first: the newest token says where the session is now, and its root says where it began.
    const session: SessionRow = known ?? {
      ...beginning(row),
      id: row.chain,
      scope: scopeOf(row, names),
      tokens: 0,
      current: row.chain === current,
    }
    sessions.set(row.chain, { ...session, ...(row.root ? beginning(row) : {}), tokens: session.tokens + 1 })
  }
  const items = [...sessions.values()].slice(0, input.limit)
  return { items, truncated: sessions.size > items.length || rows.length === tokenCap }
}

const idsOf = (rows: readonly TokenRow[], column: 'projectId' | 'domainId') => [
  ...new Set(rows.flatMap((row) => row[column] ?? [])),
]
const beginning = (row: TokenRow) => ({
  methods: row.methods,
  issuedAt: row.issuedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  source: row.source,
  userAgent: row.userAgent,
  via: row.via,
})
type Names = { projects: ReadonlyMap<string, string>; domains: ReadonlyMap<string, string> }
function scopeOf({ projectId, domainId, system }: TokenRow, { projects, domains }: Names): string {
  const [project, domain] = [projects.get(projectId ?? ''), domains.get(domainId ?? '')]
  if (project !== undefined) return `project ${project}`
  if (domain !== undefined) return `domain ${domain}`
  return system ? 'the system' : 'no project'
}

async function ownChain(ctx: Ctx): Promise<string | null> {
  if (ctx.actor.tokenHash === null) return null
  const own = await ownToken(ctx)
  return own.parentAuditId ?? own.auditId
}

/** Ends a sign-in with every token made from it. Throws not_found when it has ended already. */
export async function revokeSession(ctx: Ctx, input: z.output<typeof sessionRef>): Promise<void> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:revoke_sessions')
  await demandNoMore(ctx, user)
  refuseDelegation(ctx, 'end sessions')
  await inTransaction(ctx, async (tx) => {
    const count = await deleteChain(tx, user.id, input.id)
    if (count === 0) throw notFound('session', input.id)
    await sessionEnded(tx, { userId: user.id }, 'signed out')
  })
}

/** Signs out everywhere: ends every token of the user, including the caller's own. */
export async function revokeAllSessions(ctx: Ctx, input: { userId?: string }): Promise<void> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:revoke_sessions')
  await demandNoMore(ctx, user)
  refuseDelegation(ctx, 'end sessions')
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    await voidTokens(tx, user.id, 'signed out everywhere')
  })
}
