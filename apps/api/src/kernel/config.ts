import path from 'node:path'
import { machineNameServers, nameServersSetting } from '@stratolith/drivers/network/name-servers'
import { RE2JS } from 're2js'
import { z } from 'zod'

/** Strict words for switches: anything else stops the start (A27.2). */
const onOff = z.enum(['auto', 'on', 'off'])
/** Also read by `npm start`, which refuses a wrong setting before it does anything. */
export const settingsSchema = z.object({
  STRATOLITH_DATA: z.string().min(1).default('.stratolith'),
  STRATOLITH_PORT: z.coerce.number().int().min(1).max(65535).default(8080),
  STRATOLITH_ACCEL: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  STRATOLITH_EGRESS: onOff.default('auto'),
  STRATOLITH_EXTERNAL_CIDR: z.cidrv4().default('172.24.4.0/24'),
  /** Name servers that guests of starter networks ask, comma-separated; this machine's own when left out. */
  STRATOLITH_DNS: nameServersSetting.optional(),
  /** Proxies in front of us whose X-Forwarded-* headers are believed: addresses and CIDRs, comma-separated. */
  STRATOLITH_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'is no address and no CIDR'))),
  /** Connections that the front door takes from one address; a trusted proxy has no such bound. */
  STRATOLITH_CONNECTIONS_PER_ADDRESS: z.coerce.number().int().min(10).max(100_000).default(500),
  STRATOLITH_REGION: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .default('RegionOne'),
  /** Base of every public address (catalog, links). */
  STRATOLITH_PUBLIC_URL: z.url().optional(),
  /** Where the processes listen behind the front door; set by tools/cloud.ts. */
  STRATOLITH_WEB_URL: z.url().optional(),
  STRATOLITH_CONSOLE_URL: z.url().optional(),
  STRATOLITH_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** By these the portal and the console proxy are let in at the internal door; the api's alone. */
  STRATOLITH_WEB_SECRET: z.string().min(32).optional(),
  STRATOLITH_CONSOLE_SECRET: z.string().min(32).optional(),
  /** By this the front door proves to the portal that a request came through it. */
  STRATOLITH_FRONT_SECRET: z.string().min(32).optional(),
  STRATOLITH_PASSWORD_MIN_LENGTH: z.coerce.number().int().min(1).max(128).default(8),
  /** What a password must fit besides, as a regular expression; and how that is said to people. */
  STRATOLITH_PASSWORD_PATTERN: z
    .string()
    .max(500)
    .refine(isPattern, 'is no regular expression that takes linear time (RE2)')
    .optional(),
  STRATOLITH_PASSWORD_PATTERN_TEXT: z
    .string()
    .max(200)
    .default('The password does not fit the rules of this cloud.'),
  /** A user who changes his password may not take one of his last so many, the one now included. */
  STRATOLITH_PASSWORD_HISTORY: z.coerce.number().int().min(0).max(24).default(1),
  /** Days until a password must be changed; 0: never. */
  STRATOLITH_PASSWORD_LIFETIME_DAYS: z.coerce.number().int().min(0).max(3650).default(0),
  /** What an administrator has set must be changed before the first sign-in. */
  STRATOLITH_PASSWORD_CHANGE_FIRST: z.enum(['on', 'off']).default('off'),
  /** Failed sign-ins of an address for a user before it waits (15 s, then longer, 5 minutes at most). */
  STRATOLITH_LOCKOUT_FAILURES: z.coerce.number().int().min(1).max(100).default(5),
  /** Days for which something that no row knows is left on a host, and a disk in the trash. */
  STRATOLITH_KEEP_UNKNOWN_DAYS: z.coerce.number().min(0).max(3650).default(7),
  /** How long the past is kept, in days. */
  STRATOLITH_KEEP_EVENTS_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  STRATOLITH_KEEP_OPERATIONS_DAYS: z.coerce.number().int().min(1).max(36_500).default(180),
  STRATOLITH_KEEP_PAST_INSTANCES_DAYS: z.coerce.number().int().min(1).max(36_500).default(730),
  DATABASE_URL: z.string().optional(),
  NODE_ENV: z.string().optional(),
})

export type PasswordRules = {
  minLength: number
  /** RE2; left out: anything. */
  pattern?: { expression: string; sentence: string }
  history: number
  lifetimeDays: number
  changeFirst: boolean
  lockoutFailures: number
}
export type Config = {
  dataDir: string
  port: number
  publicUrl: string
  region: string
  databaseUrl: string
  webUrl: string | null
  consoleUrl: string | null
  /** Addresses and CIDRs; nobody else says who a caller is. */
  trustedProxies: string[]
  connectionsPerAddress: number
  /** `npm run dev`: the portal reloads itself. */
  development: boolean
  externalCidr: string
  /** For guests that may reach the world; empty where nothing leads out. */
  nameServers: string[]
  logLevel: string
  /** What the portal and the console proxy say to be let in; null where there is no such door. */
  webSecret: string | null
  consoleSecret: string | null
  /** What the front door says to the portal; null where there is none. */
  frontSecret: string | null
  passwordRules: PasswordRules
  /** How long what is unknown is left alone, and what was trashed can be put back. */
  keepUnknownMs: number
  /** In days; kernel/retention.ts. */
  keep: { eventsDays: number; operationsDays: number; pastInstancesDays: number }
}

/** Reads and checks the environment; throws one sentence per wrong setting. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = settingsSchema.safeParse(env)
  if (!parsed.success)
    throw new Error(parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '))
  const e = parsed.data
  if (!e.DATABASE_URL) throw new Error('DATABASE_URL is not set; start with `npm start`, which sets it.')
  return {
    dataDir: path.resolve(e.STRATOLITH_DATA),
    port: e.STRATOLITH_PORT,
    publicUrl: (e.STRATOLITH_PUBLIC_URL ?? `http://127.0.0.1:${e.STRATOLITH_PORT}`).replace(/\/$/, ''),
    region: e.STRATOLITH_REGION,
    databaseUrl: e.DATABASE_URL,
    webUrl: e.STRATOLITH_WEB_URL ?? null,
    consoleUrl: e.STRATOLITH_CONSOLE_URL ?? null,
    trustedProxies: e.STRATOLITH_TRUSTED_PROXIES,
    connectionsPerAddress: e.STRATOLITH_CONNECTIONS_PER_ADDRESS,
    development: e.NODE_ENV === 'development',
    externalCidr: e.STRATOLITH_EXTERNAL_CIDR,
    nameServers: e.STRATOLITH_DNS ?? (e.STRATOLITH_EGRESS === 'off' ? [] : machineNameServers()),
    logLevel: e.STRATOLITH_LOG_LEVEL,
    webSecret: e.STRATOLITH_WEB_SECRET ?? null,
    consoleSecret: e.STRATOLITH_CONSOLE_SECRET ?? null,
    frontSecret: e.STRATOLITH_FRONT_SECRET ?? null,
    keepUnknownMs: e.STRATOLITH_KEEP_UNKNOWN_DAYS * 86_400_000,
    passwordRules: {
      minLength: e.STRATOLITH_PASSWORD_MIN_LENGTH,
      ...(e.STRATOLITH_PASSWORD_PATTERN
        ? {
            pattern: {
              expression: e.STRATOLITH_PASSWORD_PATTERN,
              sentence: e.STRATOLITH_PASSWORD_PATTERN_TEXT,
            },
          }
        : {}),
      history: e.STRATOLITH_PASSWORD_HISTORY,
      lifetimeDays: e.STRATOLITH_PASSWORD_LIFETIME_DAYS,
      changeFirst: e.STRATOLITH_PASSWORD_CHANGE_FIRST === 'on',
      lockoutFailures: e.STRATOLITH_LOCKOUT_FAILURES,
    },
    keep: {
      eventsDays: e.STRATOLITH_KEEP_EVENTS_DAYS,
      operationsDays: e.STRATOLITH_KEEP_OPERATIONS_DAYS,
      pastInstancesDays: e.STRATOLITH_KEEP_PAST_INSTANCES_DAYS,
    },
  }
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text)
    return true
  } catch {
    return false
  }
}
