import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'

/** Whose rights are less now; `everyone`: too many to name (a group, a role, what a role implies). */
export type Concerned = { userId: string } | { projectId: string } | { domainId: string } | { everyone: true }

/** Tells open consoles and event streams to ask again whether they may go on. In the transaction. */
export async function sessionEnded(ctx: Ctx, who: Concerned, reason: string): Promise<void> {
  const [resourceKind, resourceId] =
    'userId' in who
      ? ['user', who.userId]
      : 'projectId' in who
        ? ['project', who.projectId]
        : 'domainId' in who
          ? ['domain', who.domainId]
          : ['session', 'all']
  await appendEvent(ctx, {
    kind: 'session.ended',
    projectId: 'projectId' in who ? who.projectId : null,
    resourceKind,
    resourceId,
    data: { reason },
  })
}

/** Where tokens hold: projects, or a domain with all its users. */
export type Place = { projectIds: readonly string[] } | { domainId: string }
type PlaceHook = (ctx: Ctx, place: Place) => Promise<void>
const placeHooks: PlaceHook[] = []
/** The room identity deletes here the tokens for places where nobody works any more. In the transaction. */
export function onPlaceClosed(hook: PlaceHook): void {
  placeHooks.push(hook)
}
/** Tokens for the place, application credentials' included, end now. In a transaction. */
export async function closePlace(ctx: Ctx, place: Place): Promise<void> {
  for (const hook of placeHooks) await hook(ctx, place)
}

/** Locks the user's row (see issueToken) or throws not_found. `ctx.db` is a transaction. */
export async function lockUser(ctx: Ctx, userId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<unknown[]>`SELECT 1 FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  if (rows.length === 0) throw notFound('user', userId)
}

type EndingHook = (ctx: Ctx, userId: string) => Promise<void>
const endingHooks: EndingHook[] = []
/** The room identity deletes here what it keeps of the sessions of a user. In the transaction, with the user's row locked. */
export function onSessionsVoided(hook: EndingHook): void {
  endingHooks.push(hook)
}

/** Every token of the user is void at once; open consoles and streams are told. In a transaction. */
export async function voidTokens(ctx: Ctx, userId: string, reason: string): Promise<void> {
  // The time of the database, which tokens have too; this also ends what the user does as a trustee.
  await ctx.db.$executeRaw`UPDATE "User" SET "tokensValidAfter" = clock_timestamp() WHERE "id" = ${userId}`
  for (const hook of endingHooks) await hook(ctx, userId)
  await sessionEnded(ctx, { userId }, reason)
}
