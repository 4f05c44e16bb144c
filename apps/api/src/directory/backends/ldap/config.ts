import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { onDemand } from '../../../kernel/on-demand.ts'
import { ldapts } from './ldapts.ts'

const yaml = onDemand<typeof import('yaml')>('yaml')

/** `$STRATOLITH_DATA/ldap.yaml`: for the name of a domain, the directory that has the users of the domain. */

const attribute = z.string().regex(/^[a-zA-Z][a-zA-Z0-9-]{0,63}$/, 'is no name of an attribute')
const dn = z.string().min(1).max(1024)
const filter = z
  .string()
  .max(4096)
  .refine(isFilter, 'is no LDAP filter (RFC 4515), e.g. (objectClass=person)')
const schema = z.strictObject({
  url: z
    .string()
    .regex(
      /^ldaps?:\/\/(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?\/?$/,
      'must be ldap://host[:port] or ldaps://…',
    ),
  /** Encrypts a connection to ldap:// before a secret is sent. */
  starttls: z.boolean().default(false),
  tls: z
    .strictObject({
      /**
       * PEM file of the authority that signed the directory's certificate. When left out, the system's authorities
       * count.
       */
      ca: z.string().min(1).optional(),
    })
    .default({}),
  /** The account that searches. When left out, searches are anonymous. */
  bind: z.strictObject({ dn, passwordFile: z.string().min(1) }).optional(),
  users: z.strictObject({
    base: dn,
    /** The filter of users who may sign in. A user who does not match (any more) is disabled here. */
    filter: filter.default('(objectClass=inetOrgPerson)'),
    /** An attribute that never changes and is never reused for another user. */
    id: attribute.default('entryUUID'),
    name: attribute.default('uid'),
    mail: attribute.default('mail'),
  }),
  groups: z
    .strictObject({
      base: dn,
      filter: filter.default('(objectClass=groupOfNames)'),
      id: attribute.default('entryUUID'),
      name: attribute.default('cn'),
      /** The attribute with the names (DNs) of the group's members. */
      member: attribute.default('member'),
    })
    .optional(),
  timeoutSeconds: z.number().min(0.2).max(30).default(5),
  /** How many users and how many groups are imported in advance at most. */
  limit: z.number().int().min(1).max(100_000).default(10_000),
  /** How often users and groups are imported. */
  everySeconds: z.number().int().min(30).max(86_400).default(300),
})
const file = z.record(z.string().min(1).max(64), schema)

export type LdapSettings = Omit<z.output<typeof schema>, 'tls' | 'bind' | 'timeoutSeconds'> & {
  domainName: string
  ca: string | undefined
  bind: { dn: string; password: string } | null
  timeoutMs: number
}

/** The settings of a directory whose entry gives only the places of its users and groups. */
export const ldapDefaults = () =>
  schema.parse({ url: 'ldaps://directory', users: { base: 'users' }, groups: { base: 'groups' } })

/** Throws a sentence for every mistake in the file. Without a file there are no such domains. */
export function readLdapSettings(dataDir: string): LdapSettings[] {
  const name = path.join(dataDir, 'ldap.yaml')
  if (!fs.existsSync(name)) return []
  const parsed = file.safeParse(yaml().parse(fs.readFileSync(name, 'utf8')) ?? {})
  if (!parsed.success)
    throw new Error(
      `${name}: ${parsed.error.issues.map((i) => `${i.path.join('.') || 'the file'}: ${i.message}`).join('; ')}`,
    )
  return Object.entries(parsed.data).map(([domainName, given]) => {
    const fail = (sentence: string) => new Error(`${name}: ${domainName}: ${sentence}`)
    if (domainName.toLowerCase() === 'default')
      throw fail('The domain Default has users of its own. Give the directory another domain.')
    if (!given.url.startsWith('ldaps:') && !given.starttls && !isLoopback(given.url))
      throw fail('Passwords would cross the network readably. Use ldaps:// or set starttls: true.')
    const { tls, bind, timeoutSeconds, ...rest } = given
    const read = (at: string) => readBeside(dataDir, at, fail)
    return {
      ...rest,
      domainName,
      ca: tls.ca === undefined ? undefined : read(tls.ca),
      bind: bind
        ? { dn: bind.dn, password: secretIn(read(bind.passwordFile), bind.passwordFile, fail) }
        : null,
      timeoutMs: timeoutSeconds * 1000,
    }
  })
}

/** Relative paths are below the data folder. */
function readBeside(dataDir: string, at: string, fail: (sentence: string) => Error): string {
  try {
    return fs.readFileSync(path.resolve(dataDir, at), 'utf8')
  } catch (error) {
    throw fail(`${at} cannot be read (${error instanceof Error ? error.message : error}).`)
  }
}

function secretIn(text: string, at: string, fail: (sentence: string) => Error): string {
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw fail(`${at} is empty; it must hold the password of bind.dn.`)
  return secret
}

const isLoopback = (url: string) => /^ldap:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/.test(url)

function isFilter(text: string): boolean {
  try {
    ldapts().FilterParser.parseString(text)
    // The parser accepts a filter without its last bracket; brackets in values are written \\28 and \\29.
    return text.split('(').length === text.split(')').length
  } catch {
    return false
  }
}
