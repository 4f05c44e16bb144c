import { createHash, randomBytes } from 'node:crypto'
import { consoleDoorOf } from '@stratolith/drivers/remote/protocol'
import { spoken, versionText } from '@stratolith/drivers/remote/versions'
import type { z } from 'zod'
import { endpointOf } from '../../hosts/service.ts'
import { authenticateAgain } from '../../identity/service.ts'
import { type Ctx, type Deps, inTransaction } from '../../kernel/context.ts'
import { CloudError, conflict } from '../../kernel/errors.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import { type ConsoleAccess, type consoleCreateInput, instanceCan, machineAway } from '../contract.ts'
import { type InstanceRow, loadInstance } from '../instances/instance-row.ts'
import { machineOf } from '../instances/machine.ts'
import { vmWords } from '../states.ts'

/** How long a token waits for its one use (A06.2: at most ten minutes). */
export const consoleTokenMs = 5 * 60_000
/** How long one connection may last before the user must open the console again. */
export const consoleSessionMs = 12 * 3600_000

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')

/**
 * Makes a right to open one console of one running instance once, bound to the caller's own session. Throws conflict
 * when the instance has no console in its present state, unavailable while its machine is down or fenced.
 */
export async function createConsole(
  ctx: Ctx,
  input: z.output<typeof consoleCreateInput>,
): Promise<ConsoleAccess> {
  const authHash = ctx.actor.tokenHash
  if (authHash === null) throw new CloudError('forbidden', 'A console belongs to a session: sign in first.')
  const token = randomBytes(32).toString('base64url')
  const expiresAt = new Date(Date.now() + consoleTokenMs)
  await inTransaction(ctx, async (tx) => {
    const row = await loadInstance(tx, 'compute:create_console', input.id)
    demandConsole(row)
    await demandMachine(tx, row)
    await tx.db.consoleToken.create({
      data: {
        hash: hashOf(token),
        instanceId: row.id,
        userId: ctx.actor.userId,
        authHash,
        projectId: row.projectId,
        protocol: input.protocol,
        expiresAt,
      },
    })
    await recordOperation(tx, {
      id: crypto.randomUUID(),
      action: 'instance.console',
      resourceKind: 'instance',
      resourceId: row.id,
      resourceName: row.name,
      projectId: row.projectId,
      input: { protocol: input.protocol },
    })
  })
  return { url: `/console/?token=${token}`, protocol: input.protocol, expiresAt: expiresAt.toISOString() }
}

function demandConsole(row: InstanceRow): void {
  const allowed =
    row.taskState === 'deleting'
      ? 'The instance is being deleted.'
      : instanceCan.console({ ...row, locked: false })
  if (allowed !== true) throw conflict(allowed)
}

/** Refuses a machine that is known not to answer before the right is made and before the history is written. */
async function demandMachine(ctx: Ctx, row: InstanceRow): Promise<void> {
  const away = machineAway((await machineOf(ctx, row))?.absence)
  if (away) throw new CloudError('unavailable', away)
}

/**
 * `userId` is the user for whom the console proxy counts the session. `protocol`: the versions of the protocol that this
 * control plane speaks, which the proxy tells the agent.
 */
export type Grant = { sessionId: string; userId: string; agentSocket: string; path: string; protocol: string }
const refused = () =>
  new CloudError('forbidden', 'The console token is not valid (any more). Open the console again.')

/**
 * Uses a token up and returns where the console is: at the agent that runs this very guest now (at the socket that
 * offers only consoles), never at an address that another guest could have by now. All rights are checked again at this
 * moment (A06). Throws the same forbidden for every reason.
 */
export async function redeemConsole(deps: Deps, token: string, requestId: string): Promise<Grant> {
  const sessionId = randomBytes(32).toString('base64url')
  const hash = hashOf(token)
  const now = new Date()
  const { count } = await deps.root.consoleToken.updateMany({
    where: { hash, usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now, sessionId },
  })
  const right = count === 1 ? await deps.root.consoleToken.findUnique({ where: { hash } }) : null
  if (!right) throw refused()
  const row = await instanceOfRight(deps, right, requestId)
  if (!row?.hostId) throw refused()
  const endpoint = await endpointOf({ db: deps.root }, row.hostId)
  if (!endpoint?.startsWith('unix:/'))
    throw new CloudError('unsupported', 'The host of this instance offers no consoles.')
  return {
    sessionId,
    userId: right.userId,
    agentSocket: consoleDoorOf(endpoint.slice('unix:'.length)),
    path: `/v1/console/${row.id}/${right.protocol}`,
    protocol: versionText(spoken),
  }
}

type Right = { instanceId: string; authHash: string }

/** Returns the instance when the owner of the right may still open its console at this moment, otherwise null. */
async function instanceOfRight(deps: Deps, right: Right, requestId: string): Promise<InstanceRow | null> {
  const ctx = await authenticateAgain(deps, right.authHash, requestId)
  return ctx && consoleOf(ctx, right.instanceId)
}

const consoleOf = (ctx: Ctx, instanceId: string): Promise<InstanceRow | null> =>
  unlessRefused(
    loadInstance(ctx, 'compute:create_console', instanceId).then((row) => {
      demandConsole(row)
      return row
    }),
  )

/**
 * Returns null when the cloud refuses, which ends the right. Any other error (a database that does not answer) is
 * thrown.
 */
async function unlessRefused<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof CloudError && !error.retryable && error.code !== 'internal') return null
    throw error
  }
}

export type ConsoleSession = Right & { sessionId: string }

/** Returns the session; null when it does not exist. */
export async function findSession(deps: Deps, sessionId: string): Promise<ConsoleSession | null> {
  const row = await deps.root.consoleToken.findUnique({ where: { sessionId } })
  return row && { sessionId, instanceId: row.instanceId, authHash: row.authHash }
}

/**
 * Returns for each open session the reason why it must end now, or null while it may go on. Costs one query for all
 * sessions, one check for each caller, and one for each instance that a caller looks into.
 */
export async function sessionsOver(
  deps: Deps,
  sessions: readonly ConsoleSession[],
): Promise<Map<string, string | null>> {
  const known = await deps.root.consoleToken.findMany({
    where: {
      sessionId: { in: sessions.map(({ sessionId }) => sessionId) },
      usedAt: { gte: new Date(Date.now() - consoleSessionMs) },
    },
    select: { sessionId: true },
  })
  const live = new Set(known.map(({ sessionId }) => sessionId))
  const callers = new Map<string, Ctx | null>()
  const reasons = new Map<string, string | null>()
  const answers = new Map<string, string | null>()
  for (const { sessionId, authHash, instanceId } of sessions) {
    if (!live.has(sessionId)) {
      answers.set(sessionId, 'The session has ended.')
      continue
    }
    const right = `${authHash} ${instanceId}`
    if (!reasons.has(right)) {
      if (!callers.has(authHash))
        callers.set(authHash, await authenticateAgain(deps, authHash, `console-${instanceId}`))
      const ctx = callers.get(authHash) ?? null
      const row = ctx && (await consoleOf(ctx, instanceId))
      reasons.set(right, row ? null : await whyOver(deps, instanceId))
    }
    answers.set(sessionId, reasons.get(right) ?? null)
  }
  return answers
}

async function whyOver(deps: Deps, instanceId: string): Promise<string> {
  const instance = await deps.root.instance.findUnique({
    where: { id: instanceId },
    select: { vmState: true, taskState: true },
  })
  if (!instance || instance.taskState === 'deleting') return 'The instance has been deleted.'
  return ['active', 'paused'].includes(instance.vmState)
    ? 'Your session has ended. Sign in again.'
    : `The instance is ${vmWords(instance.vmState)}.`
}

/** Removes tokens that nobody can use any more; the reconciler calls this. */
export async function dropOldTokens(ctx: Ctx): Promise<number> {
  const now = Date.now()
  const { count } = await ctx.db.consoleToken.deleteMany({
    where: {
      OR: [
        { usedAt: null, expiresAt: { lt: new Date(now) } },
        { usedAt: { lt: new Date(now - consoleSessionMs) } },
      ],
    },
  })
  return count
}
