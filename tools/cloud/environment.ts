/**
 * The settings that each process gets from the environment of `npm start`; services.ts adds the others.
 * A setting that is not listed here does not reach a process: tools/repo.test.ts compares the list with the sources.
 */
export const settings = {
  agent: [
    'STRATOLITH_ACCEL',
    'STRATOLITH_CLOUD',
    'STRATOLITH_DNS',
    'STRATOLITH_EGRESS',
    'STRATOLITH_EXTERNAL_CIDR',
    'STRATOLITH_GUEST_DENY',
    'STRATOLITH_GUEST_UIDS',
    'STRATOLITH_LOG_LEVEL',
    'STRATOLITH_VOLUME_BACKUPS',
  ],
  api: [
    'STRATOLITH_ACCEL',
    'STRATOLITH_CONNECTIONS_PER_ADDRESS',
    'STRATOLITH_DNS',
    'STRATOLITH_EGRESS',
    'STRATOLITH_EXTERNAL_CIDR',
    'STRATOLITH_KEEP_EVENTS_DAYS',
    'STRATOLITH_KEEP_OPERATIONS_DAYS',
    'STRATOLITH_KEEP_PAST_INSTANCES_DAYS',
    'STRATOLITH_KEEP_UNKNOWN_DAYS',
    'STRATOLITH_LOCKOUT_FAILURES',
    'STRATOLITH_LOG_LEVEL',
    'STRATOLITH_PASSWORD_CHANGE_FIRST',
    'STRATOLITH_PASSWORD_HISTORY',
    'STRATOLITH_PASSWORD_LIFETIME_DAYS',
    'STRATOLITH_PASSWORD_MIN_LENGTH',
    'STRATOLITH_PASSWORD_PATTERN',
    'STRATOLITH_PASSWORD_PATTERN_TEXT',
    'STRATOLITH_REGION',
    'STRATOLITH_TAKE_BACK_MINUTES',
    'STRATOLITH_TRUSTED_PROXIES',
  ],
  'console-proxy': ['STRATOLITH_LOG_LEVEL', 'STRATOLITH_ORIGINS'],
  postgres: [],
  web: [],
} as const satisfies Record<string, readonly string[]>

type Setting = (typeof settings)[keyof typeof settings][number]
/** The settings of the supervisor itself, which passes them on in another form (services.ts). */
type Own = `STRATOLITH_${'DATA' | 'PORT' | 'BIND' | 'PUBLIC_URL' | 'HOST'}` | 'DATABASE_URL'

const days = (from: number, to: number) => `a whole number of days from ${from} to ${to}`
const networks = 'IPv4 networks (192.168.0.0/16), comma-separated'
/** The allowed values of each setting, for the sentence that refuses other values (settings.ts). */
export const mayBe: Record<Setting | Own, string> = {
  DATABASE_URL: 'the address of a PostgreSQL database: postgresql://USER:PASSWORD@HOST:PORT/NAME',
  STRATOLITH_ACCEL: 'auto, kvm or tcg',
  STRATOLITH_BIND: 'an IP address of this machine, or 0.0.0.0 for all',
  STRATOLITH_CLOUD: '4 to 6 small letters and digits',
  STRATOLITH_CONNECTIONS_PER_ADDRESS: 'a whole number from 10 to 100000',
  STRATOLITH_DATA: 'a folder',
  STRATOLITH_DNS: 'IPv4 addresses, comma-separated',
  STRATOLITH_EGRESS: 'auto, on or off',
  STRATOLITH_EXTERNAL_CIDR: 'an IPv4 network (172.24.4.0/24)',
  STRATOLITH_GUEST_DENY: `${networks}, and the word connected; or none alone`,
  STRATOLITH_GUEST_UIDS: `FIRST-LAST: at least 100 user ids between 1000 and ${2 ** 31 - 1}`,
  STRATOLITH_HOST: 'small letters, digits and dashes, 63 at most',
  STRATOLITH_KEEP_EVENTS_DAYS: days(1, 36_500),
  STRATOLITH_KEEP_OPERATIONS_DAYS: days(1, 36_500),
  STRATOLITH_KEEP_PAST_INSTANCES_DAYS: days(1, 36_500),
  STRATOLITH_KEEP_UNKNOWN_DAYS: 'a number of days from 0 to 3650',
  STRATOLITH_LOCKOUT_FAILURES: 'a whole number from 1 to 100',
  STRATOLITH_LOG_LEVEL: 'debug, info, warn, error or silent',
  STRATOLITH_ORIGINS: 'origins like https://cloud.example.org, comma-separated',
  STRATOLITH_PASSWORD_CHANGE_FIRST: 'on or off',
  STRATOLITH_PASSWORD_HISTORY: 'a whole number from 0 to 24',
  STRATOLITH_PASSWORD_LIFETIME_DAYS: days(0, 3650),
  STRATOLITH_PASSWORD_MIN_LENGTH: 'a whole number from 1 to 128',
  STRATOLITH_PASSWORD_PATTERN: 'a regular expression that takes linear time (RE2), 500 characters at most',
  STRATOLITH_PASSWORD_PATTERN_TEXT: 'a sentence of 200 characters at most',
  STRATOLITH_PORT: 'a port number from 1 to 65535',
  STRATOLITH_PUBLIC_URL: 'an address like https://cloud.example.org',
  STRATOLITH_REGION: '1 to 64 letters, digits, dots, dashes and underscores',
  STRATOLITH_TAKE_BACK_MINUTES: 'a number of minutes from 0 to 43200',
  STRATOLITH_TRUSTED_PROXIES: 'IP addresses and networks, comma-separated',
  STRATOLITH_VOLUME_BACKUPS: 'a folder',
}
/** Variables of our own tools, which pass their environment to `npm start`. */
export const ofTools = ['STRATOLITH_STARTED_AT', 'STRATOLITH_BENCH_DATA']

/** Variables of the system, which all processes get. */
const general = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|SSL_CERT_(FILE|DIR)|NODE_[A-Z_]+)$/
/** Variables of libpq about the connection to the database. */
const database = /^PG[A-Z]+$/

export function environmentOf(
  process: keyof typeof settings,
  given: Record<string, string>,
  from: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const wanted: readonly string[] = settings[process]
  const kept = Object.entries(from).filter(
    ([name]) => general.test(name) || wanted.includes(name) || (process === 'api' && database.test(name)),
  )
  return { ...Object.fromEntries(kept), ...given }
}
