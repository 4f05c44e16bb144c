/**
 * Times that callers choose have microseconds, but a Date has milliseconds only. The microseconds below a millisecond
 * are stored in a column of their own.
 */

/** The microseconds below the millisecond: of "2099-12-31T23:59:59.123456Z", 456. */
export const microsOf = (text: string | null | undefined): number =>
  Number(/\.\d{3}(\d{1,3})/.exec(text ?? '')?.[1]?.padEnd(3, '0') ?? 0)

/** The time as the caller sent it, in UTC. */
export const exactMoment = (at: Date | null, micros: number): string | null =>
  at?.toISOString().replace('Z', micros === 0 ? 'Z' : `${String(micros).padStart(3, '0')}Z`) ?? null

/** The time as OpenStack writes it, with six digits of a second. */
export const withMicros = (text: string | null): string | null =>
  text?.replace(/\.(\d+)Z$/, (_, digits: string) => `.${digits.padEnd(6, '0')}Z`) ?? null
