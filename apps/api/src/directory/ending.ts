import type { Ctx } from '../kernel/context.ts'
import { notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'

/**
 * Whose rights have shrunk; `everyone` when these are too many to name (a change of a group, a role or an implied
 * role).
 */
export type Concerned = { userId: string } | { projectId: string } | { domainId: string } | { everyone: true }

/**
 * Tells open consoles and event streams to check again whether they may go on. Runs in the transaction of the change.
 */
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

/** The place that tokens are for: projects, or a domain with all its users. */
export type Place = { projectIds: readonly string[] } | { domainId: string }
type PlaceHook = (ctx: Ctx, place: Place) => Promise<void>
const placeHooks: PlaceHook[] = []
/**
 * The room identity registers here how it deletes the tokens for a place that has closed. Hooks run in the transaction.
 */
export function onPlaceClosed(hook: PlaceHook): void {
  placeHooks.push(hook)
}
/** Ends all tokens for the place, including those of application credentials. Runs in a transaction. */
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
/**
 * The room identity registers here how it deletes the sessions of a user. Hooks run in the transaction, with the user's
 * row locked.
 */
export function onSessionsVoided(hook: EndingHook): void {
  endingHooks.push(hook)
}

/** Ends every token of the user at once, and tells open consoles and streams. Runs in a transaction. */
export async function voidTokens(ctx: Ctx, userId: string, reason: string): Promise<void> {
  // Tokens have the time of the database, too. This also ends the tokens that the user holds as a trustee.
  await ctx.db.$executeRaw`UPDATE "User" SET "tokensValidAfter" = clock_timestamp() WHERE "id" = ${userId}`
  for (const hook of endingHooks) await hook(ctx, userId)
  await sessionEnded(ctx, { userId }, reason)
}
