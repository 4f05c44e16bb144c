import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../../kernel/context.ts'
import { demandSecret } from '../../kernel/door-secret.ts'
import { CloudError } from '../../kernel/errors.ts'
import type { EventHub } from '../../kernel/event-hub.ts'
import { type ConsoleSession, findSession, redeemConsole, sessionsOver } from './service.ts'
import { ConsoleWatches } from './watches.ts'

const secretToken = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })
const sessionQuery = z.object({ session: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })

/**
 * Requests of console-proxy to the API, on the internal door only and with a secret of its own:
 *   POST /internal/console/redeem {token} → {sessionId, userId, agentSocket, path, protocol}
 *   GET  /internal/console/watch?session= → lines {"alive":true} until {"ended":"why"}
 */
export function consoleRoutes(deps: Deps, hub: EventHub): (app: FastifyInstance) => Promise<void> {
  const watches = new ConsoleWatches<ConsoleSession>(
    hub,
    (sessions) => sessionsOver(deps, sessions),
    (error) => deps.log.warn({ err: error }, 'the rights of consoles could not be checked'),
  )
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
      watch(deps, watches, session, reply)
    })
  }
}

function watch(
  deps: Deps,
  watches: ConsoleWatches<ConsoleSession>,
  session: ConsoleSession,
  reply: FastifyReply,
) {
  reply.hijack()
  const out = reply.raw
  out.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  out.on('error', (error) => deps.log.debug({ err: error }, 'console watch broke'))
  const stop = watches.add(session, (over) => {
    if (out.writableEnded) return
    // Write this line only after a successful check: the proxy takes silence for the end of the right.
    if (over === null) out.write('{"alive":true}\n')
    else out.end(`${JSON.stringify({ ended: over })}\n`)
  })
  out.on('close', stop)
}
