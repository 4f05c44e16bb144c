import path from 'node:path'
import { machineNameServers, nameServersSetting } from '@stratolith/drivers/network/name-servers'
import { RE2JS } from 're2js'
import { z } from 'zod'

/** The words of switches; any other word stops the start (A27.2). */
const onOff = z.enum(['auto', 'on', 'off'])
/** `npm start` reads these settings, too, and refuses a wrong one before it does anything. */
export const settingsSchema = z.object({
  STRATOLITH_DATA: z.string().min(1).default('.stratolith'),
  STRATOLITH_PORT: z.coerce.number().int().min(1).max(65535).default(8080),
  STRATOLITH_ACCEL: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  STRATOLITH_EGRESS: onOff.default('auto'),
  STRATOLITH_EXTERNAL_CIDR: z.cidrv4().default('172.24.4.0/24'),
  /** The name servers of guests on starter networks, separated by commas; this machine's own when absent. */
  STRATOLITH_DNS: nameServersSetting.optional(),
  /** The proxies in front of us whose X-Forwarded-* headers are trusted: addresses and CIDRs, separated by commas. */
  STRATOLITH_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'is no address and no CIDR'))),
  /** How many connections the front door accepts from one address; a trusted proxy has no such limit. */
  STRATOLITH_CONNECTIONS_PER_ADDRESS: z.coerce.number().int().min(10).max(100_000).default(500),
  STRATOLITH_REGION: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .default('RegionOne'),
  /** The base of every public URL (catalog, links). */
  STRATOLITH_PUBLIC_URL: z.url().optional(),
  /** The URLs of the processes behind the front door; tools/cloud.ts sets them. */
  STRATOLITH_WEB_URL: z.url().optional(),
  STRATOLITH_CONSOLE_URL: z.url().optional(),
  STRATOLITH_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** The secrets with which the portal and the console proxy are admitted at the api's internal door. */
  STRATOLITH_WEB_SECRET: z.string().min(32).optional(),
  STRATOLITH_CONSOLE_SECRET: z.string().min(32).optional(),
  /** The secret with which the front door proves to the portal that a request came through it. */
  STRATOLITH_FRONT_SECRET: z.string().min(32).optional(),
  STRATOLITH_PASSWORD_MIN_LENGTH: z.coerce.number().int().min(1).max(128).default(8),
  /** A regular expression that passwords must also match, and the sentence that tells people so. */
  STRATOLITH_PASSWORD_PATTERN: z
    .string()
    .max(500)
    .refine(isPattern, 'is no regular expression that takes linear time (RE2)')
    .optional(),
  STRATOLITH_PASSWORD_PATTERN_TEXT: z
    .string()
    .max(200)
    .default('The password does not fit the rules of this cloud.'),
  /** Users who change their password may not reuse their last so many passwords, the present one included. */
  STRATOLITH_PASSWORD_HISTORY: z.coerce.number().int().min(0).max(24).default(1),
  /** Days until a password must be changed; 0: never. */
  STRATOLITH_PASSWORD_LIFETIME_DAYS: z.coerce.number().int().min(0).max(3650).default(0),
  /** Whether a password that an administrator has set must be changed before the first sign-in. */
  STRATOLITH_PASSWORD_CHANGE_FIRST: z.enum(['on', 'off']).default('off'),
  /** How often an address may fail to sign in as a user before it must wait (15 s, then longer, at most 5 minutes). */
  STRATOLITH_LOCKOUT_FAILURES: z.coerce.number().int().min(1).max(100).default(5),
  /** For how many days a stray is left on a host, and a disk in the trash. */
  STRATOLITH_KEEP_UNKNOWN_DAYS: z.coerce.number().min(0).max(3650).default(7),
  /** For how many minutes a deleted volume can be taken back; 0: its data go at once. */
  STRATOLITH_TAKE_BACK_MINUTES: z.coerce.number().min(0).max(43_200).default(10),
  /** How long events, operations and past instances are kept, in days. */
  STRATOLITH_KEEP_EVENTS_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  STRATOLITH_KEEP_OPERATIONS_DAYS: z.coerce.number().int().min(1).max(36_500).default(180),
  STRATOLITH_KEEP_PAST_INSTANCES_DAYS: z.coerce.number().int().min(1).max(36_500).default(730),
  DATABASE_URL: z.string().optional(),
  NODE_ENV: z.string().optional(),
})

export type PasswordRules = {
  minLength: number
  /** An RE2 expression that passwords must match; absent: none. */
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
  /** The addresses and CIDRs of the only proxies that are trusted to tell a caller's address. */
  trustedProxies: string[]
  connectionsPerAddress: number
  /** True under `npm run dev`: the portal reloads itself. */
  development: boolean
  externalCidr: string
  /** The name servers for guests; empty when guests cannot reach the world. */
  nameServers: string[]
  logLevel: string
  /** The secrets of the portal and the console proxy for the internal door; null when there is no such door. */
  webSecret: string | null
  consoleSecret: string | null
  /** The secret of the front door for the portal; null when there is no portal. */
  frontSecret: string | null
  passwordRules: PasswordRules
  /** How long strays are left alone and disks in the trash can be put back, in ms. */
  keepUnknownMs: number
  /** How long deleted volumes can be taken back, in ms; 0: not at all. */
  takeBackMs: number
  /** How long rows are kept, in days (kernel/retention.ts). */
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
    takeBackMs: e.STRATOLITH_TAKE_BACK_MINUTES * 60_000,
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
