/**
 * What each process is told of the environment of `npm start`; all else it is given by services.ts.
 * A setting that is not named here does not arrive: tools/repo.test.ts compares with the sources.
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
    'STRATOLITH_TRUSTED_PROXIES',
  ],
  'console-proxy': ['STRATOLITH_LOG_LEVEL', 'STRATOLITH_ORIGINS'],
  postgres: [],
  web: [],
} as const satisfies Record<string, readonly string[]>

/** Of the system, for all. */
const general = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|SSL_CERT_(FILE|DIR)|NODE_[A-Z_]+)$/
/** How the database is reached, beside its URL (libpq's variables). */
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
