import net from 'node:net'
import tls from 'node:tls'
import type { Client, Entry, Filter } from 'ldapts'
import pLimit from 'p-limit'
import { CloudError } from '../../../kernel/errors.ts'
import type { LdapSettings } from './config.ts'
import { ldapts } from './ldapts.ts'

/** One connection, bound as the searcher. */
export type Connection = {
  /** Returns at most `sizeLimit` entries. */
  search(what: Search & { sizeLimit: number }): Promise<Entry[]>
  /** Reads page by page, so that a big directory does not have to fit into one answer. */
  pages(what: Search): AsyncGenerator<Entry[]>
  /** Binds the connection as that user, so that nothing else may be done with the connection afterwards. */
  isPassword(dn: string, password: string): Promise<boolean>
}
/** `filter` is the operator's text; `and` is our condition, whose values are sent as values (A11). */
type Search = { base: string; filter: string; and?: Filter; attributes: string[] }

const pageSize = 200
/** How many connections to one directory are open at a time, and how many callers wait for a connection. */
const atOnce = 16
const waitingAtMost = 200
/** Attributes of Active Directory whose values are bytes. */
const binaryAttributes = ['objectGUID', 'objectSid']

/**
 * The answers of a server to a bind with a wrong password, or as a user who may not sign in: constraint violation, no
 * such object, invalid DN, inappropriate authentication, invalid credentials, insufficient access, unwilling to perform
 * (RFC 4511, 4.1.9).
 */
const refusals = new Set([19, 32, 34, 48, 49, 50, 53])

/** The access to one directory. Every wait has a limit, and every failure becomes `unavailable` with a sentence. */
export class Directory {
  readonly settings: LdapSettings
  readonly #slots = pLimit(atOnce)
  constructor(settings: LdapSettings) {
    this.settings = settings
  }

  /** Opens a connection, does the work and closes the connection. `maxMs` limits all of this together. */
  async use<T>(
    work: (connection: Connection) => Promise<T>,
    maxMs = this.settings.timeoutMs * 3,
  ): Promise<T> {
    if (this.#slots.pendingCount >= waitingAtMost)
      throw noAnswer(this.settings, new Error('too many callers wait'))
    const client = newClient(this.settings)
    try {
      return await this.#slots(() => this.#within(maxMs, client, work))
    } finally {
      // A server that is gone cannot be told that the connection ends; the socket is destroyed all the same.
      await client.unbind().catch(() => undefined)
    }
  }

  async #within<T>(maxMs: number, client: Client, work: (connection: Connection) => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${maxMs} ms`)), maxMs)
    })
    try {
      return await Promise.race([signIn(client, this.settings).then(() => work(connectionOf(client))), late])
    } catch (error) {
      throw error instanceof CloudError ? error : noAnswer(this.settings, error)
    } finally {
      clearTimeout(timer)
    }
  }
}

const noAnswer = (settings: LdapSettings, error: unknown) =>
  new CloudError(
    'unavailable',
    `The directory of domain ${settings.domainName} does not answer. Try again in a moment.`,
    { detail: `${settings.url}: ${error instanceof Error ? error.message : String(error)}`, cause: error },
  )

function newClient(settings: LdapSettings): Client {
  let used = false
  // When a connection was cut, the library opens a new one without the bind. The next search would then be anonymous,
  // and an answer without users would disable them. So the library gets one connection only.
  const once = () => {
    if (used) throw new Error('the connection was cut')
    used = true
  }
  const { Client } = ldapts()
  return new Client({
    url: settings.url,
    timeout: settings.timeoutMs,
    connectTimeout: settings.timeoutMs,
    createConnection: ((port: number, host: string) => {
      once()
      return net.connect(port, host)
    }) as typeof net.connect,
    // With these options, ldap:// would become ldaps://, which is another protocol than STARTTLS.
    ...(settings.url.startsWith('ldaps:')
      ? {
          tlsOptions: tlsOptions(settings),
          createSecureConnection: ((port: number, host: string, options: tls.ConnectionOptions) => {
            once()
            return tls.connect(port, host, options)
          }) as typeof tls.connect,
        }
      : {}),
  })
}

function tlsOptions(settings: LdapSettings): tls.ConnectionOptions {
  const host = new URL(settings.url).hostname.replace(/^\[|\]$/g, '')
  return {
    ca: settings.ca,
    host,
    servername: net.isIP(host) === 0 ? host : undefined,
    rejectUnauthorized: true,
  }
}

async function signIn(client: Client, settings: LdapSettings): Promise<void> {
  if (settings.starttls) await client.startTLS(tlsOptions(settings))
  if (settings.bind) await client.bind(settings.bind.dn, settings.bind.password)
}

const connectionOf = (client: Client): Connection => ({
  async search({ sizeLimit, ...what }) {
    return (await client.search(what.base, { ...options(what), sizeLimit })).searchEntries
  },
  async *pages(what) {
    const paged = { ...options(what), paged: { pageSize } }
    for await (const page of client.searchPaginated(what.base, paged)) yield page.searchEntries
  },
  async isPassword(dn, password) {
    // Without a DN or a password, a server binds anonymously and reports success (A15.1, RFC 4513 5.1.2). Some
    // servers end a text at NUL.
    if (dn === '' || password === '' || password.includes('\0')) return false
    try {
      await client.bind(dn, password)
      return true
    } catch (error) {
      if (error instanceof ldapts().ResultCodeError && refusals.has(error.code)) return false
      throw error
    }
  },
})

const options = ({ filter, and, attributes }: Search) => {
  const { AndFilter, FilterParser } = ldapts()
  const own = FilterParser.parseString(filter)
  return {
    scope: 'sub' as const,
    filter: and ? new AndFilter({ filters: [own, and] }) : own,
    attributes,
    explicitBufferAttributes: attributes.filter((name) => binaryAttributes.includes(name)),
  }
}
