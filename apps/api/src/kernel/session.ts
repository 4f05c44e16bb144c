import type pg from 'pg'

/**
 * A connection that somebody keeps for long: a dead one is noticed, also when nothing says that it is
 * dead (a machine that was cut off). Who is silent for ten seconds is asked, and what is not answered in time fails.
 */
export const longSession = (databaseUrl: string, answerMs = 15_000): pg.ClientConfig => ({
  connectionString: databaseUrl,
  connectionTimeoutMillis: 5_000,
  query_timeout: answerMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})
