import type { ProxyConfig } from './config.ts'

/** The console to which the API lets this connection lead. The client cannot choose it. */
export type Grant = {
  sessionId: string
  userId: string
  agentSocket: string
  path: string
  instance: string
  /** The versions of the protocol that the control plane speaks, for the agent; null from an API of an older version. */
  protocol: string | null
}
type Api = Pick<ProxyConfig, 'apiUrl' | 'secret'>

export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Exchanges a one-time token for a grant. Throws Refused (403, or 503 when the API does not answer). */
export async function redeem(api: Api, token: string): Promise<Grant> {
  const answer = await fetch(`${api.apiUrl}/internal/console/redeem`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-internal-secret': api.secret },
    body: JSON.stringify({ token }),
    signal: AbortSignal.timeout(5_000),
    redirect: 'error',
  }).catch((cause: unknown) => {
    throw new Refused(503, `The API does not answer: ${cause instanceof Error ? cause.message : 'unknown'}`)
  })
  if (answer.status >= 500) throw new Refused(503, `The API answered ${answer.status}.`)
  if (!answer.ok) throw new Refused(403, 'The console token is not valid (any more).')
  return checkGrant(await answer.json())
}

/** Checks the API's answer, too: the socket must be an agent's door for consoles, and the path a console's. */
function checkGrant(body: unknown): Grant {
  const { sessionId, userId, agentSocket, path, protocol = null } = (body ?? {}) as Record<string, unknown>
  if (
    typeof sessionId !== 'string' ||
    typeof userId !== 'string' ||
    typeof agentSocket !== 'string' ||
    typeof path !== 'string' ||
    (protocol !== null && !(typeof protocol === 'string' && /^\d{1,6}-\d{1,6}$/.test(protocol)))
  )
    throw new Refused(503, 'The API gave no grant.')
  const instance = /^\/v1\/console\/([0-9a-f-]{36})\/(vnc|serial)$/.exec(path)?.[1]
  if (!/^\/[^\0]*\/console\.sock$/.test(agentSocket) || instance === undefined)
    throw new Refused(503, 'The API gave a grant that leads elsewhere.')
  return { sessionId, userId, agentSocket, path, instance, protocol }
}

/** How long a console stays open while the API does not answer (because it restarts), in ms. */
const patienceMs = 10_000

/**
 * Resolves with the reason when the right to this session has ended, which the API tells at once on
 * an open stream. A stream that breaks is opened again; after `patienceMs` without a stream the right counts as ended.
 */
export async function watchSession(api: Api, sessionId: string, signal: AbortSignal): Promise<string> {
  let lastGood = Date.now()
  while (!signal.aborted) {
    const reason = await watchOnce(api, sessionId, signal, () => {
      lastGood = Date.now()
    }).catch(() => null)
    if (reason !== null) return reason
    if (Date.now() - lastGood > patienceMs) return 'The cloud does not answer.'
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return 'closed'
}

async function watchOnce(
  api: Api,
  sessionId: string,
  signal: AbortSignal,
  onLine: () => void,
): Promise<string | null> {
  const answer = await fetch(
    `${api.apiUrl}/internal/console/watch?session=${encodeURIComponent(sessionId)}`,
    { headers: { 'x-internal-secret': api.secret }, signal, redirect: 'error' },
  )
  if (answer.status >= 500 || !answer.body) return null
  if (!answer.ok) return 'The session has ended.'
  let text = ''
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text = (text + chunk).slice(-65_536)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      onLine()
      const ended = (JSON.parse(line) as { ended?: unknown }).ended
      if (typeof ended === 'string') return ended
    }
  }
  return null
}
