/** The settings of the process, from its environment alone; nothing of them ever comes from a client. */
export type ProxyConfig = {
  listen: { path: string } | { host: string; port: number }
  /** The origins whose pages may open a console: scheme, host and port must all match. */
  origins: ReadonlySet<string>
  apiUrl: string
  /** The secret by which the API knows this process. */
  secret: string
  logLevel: string
}

/** Reads and checks the environment; throws one sentence for a wrong setting. */
export function readProxyConfig(env: NodeJS.ProcessEnv = process.env): ProxyConfig {
  const secret = need(env, 'STRATOLITH_CONSOLE_SECRET')
  if (secret.length < 32) throw new Error('STRATOLITH_CONSOLE_SECRET must have at least 32 characters.')
  const extra = (env.STRATOLITH_ORIGINS ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean)
  return {
    listen: parseListen(need(env, 'STRATOLITH_CONSOLE_LISTEN')),
    origins: new Set([need(env, 'STRATOLITH_PUBLIC_URL'), ...extra].map(originOf)),
    apiUrl: new URL(need(env, 'STRATOLITH_API_URL')).href.replace(/\/$/, ''),
    secret,
    logLevel: env.STRATOLITH_LOG_LEVEL ?? 'info',
  }
}

function need(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]
  if (!value) throw new Error(`${name} is not set; start with \`npm start\`, which sets it.`)
  return value
}

/** The origin of a URL; throws for other text. `npm start` calls this, too. */
export function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error(`“${text}” is not an origin like https://cloud.example.org.`)
  return url.origin
}

/** Parses "unix:/path" or "127.0.0.1:6080". Only loopback is accepted, because the front door is in front of this process. */
function parseListen(text: string): ProxyConfig['listen'] {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) }
  const match = /^(127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match?.[1] || port > 65_535)
    throw new Error('STRATOLITH_CONSOLE_LISTEN must be unix:/path or 127.0.0.1:PORT.')
  return { host: match[1].replaceAll(/[[\]]/g, ''), port }
}
