import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../../kernel/context.ts'
import { demandSecret } from '../../kernel/door-secret.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { EventHub } from '../../kernel/event-hub.ts'
import { type ConsoleSession, findSession, redeemConsole, sessionOver } from './service.ts'

const secretToken = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })
const sessionQuery = z.object({ session: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })

/** However quiet the event log is, a right is asked for again this often. */
const recheckMs = 500

/**
 * What console-proxy asks of the API, on the internal door only and with its own secret:
 *   POST /internal/console/redeem {token} → {sessionId, agentSocket, path}
 *   GET  /internal/console/watch?session= → lines {"alive":true} until {"ended":"why"}
 */
export function consoleRoutes(deps: Deps, hub: EventHub): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.addHook('onRequest', demandSecret(deps.config.consoleSecret))
    app.post('/internal/console/redeem', async (request) => {
      const body = secretToken.safeParse(request.body)
      if (!body.success) throw new CloudError('forbidden', 'That is no console token.')
      return redeemConsole(deps, body.data.token, request.id)
    })
    app.get('/internal/console/watch', async (request, reply) => {
      const query = sessionQuery.safeParse(request.query)
      const session = query.success ? await findSession(deps, query.data.session) : null
      if (!session) throw new CloudError('not_found', 'There is no such console session.')
      watch(deps, hub, session, reply)
    })
  }
}

/** Kinds of rows after which somebody's right to a console may have changed. */
const about = new Set(['user', 'project', 'domain', 'session', 'role'])

function watch(deps: Deps, hub: EventHub, session: ConsoleSession, reply: FastifyReply): void {
  reply.hijack()
  const out = reply.raw
  out.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  out.on('error', (error) => deps.log.debug({ err: error }, 'console watch broke'))
  let busy = false
  let again = false
  const check = async () => {
    if (out.writableEnded) return
    if (busy) {
      again = true
      return
    }
    busy = true
    try {
      do {
        again = false
        const reason = await sessionOver(deps, session)
        if (reason !== null) {
          out.end(`${JSON.stringify({ ended: reason })}\n`)
          return
        }
      } while (again)
      // Only after a check that succeeded: the proxy counts silence as the end of the right.
      if (!out.writableEnded) out.write('{"alive":true}\n')
    } catch (error) {
      deps.log.warn({ err: error }, 'a console’s right could not be checked')
    } finally {
      busy = false
    }
  }
  const stopListening = hub.onRows((rows) => {
    if (rows.some((row) => row.resourceId === session.instanceId || about.has(row.resourceKind))) void check()
  })
  const timer = setInterval(() => void check(), recheckMs)
  const stop = () => {
    clearInterval(timer)
    stopListening()
  }
  out.on('close', stop)
  void check()
}
