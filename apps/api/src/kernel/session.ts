import type pg from 'pg'

/**
 * The settings of a long-lived connection. A dead connection is noticed, also when no packet says so (a machine that was
 * cut off): after ten seconds of silence the kernel probes the other side, and a query without an answer in time fails.
 */
export const longSession = (databaseUrl: string, answerMs = 15_000): pg.ClientConfig => ({
  connectionString: databaseUrl,
  connectionTimeoutMillis: 5_000,
  query_timeout: answerMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})
