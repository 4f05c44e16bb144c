/** Moments that callers choose have microseconds, a Date has not: those below the millisecond are kept apart. */

/** Of "2099-12-31T23:59:59.123456Z": 456. */
export const microsOf = (text: string | null | undefined): number =>
  Number(/\.\d{3}(\d{1,3})/.exec(text ?? '')?.[1]?.padEnd(3, '0') ?? 0)

/** The moment as it was sent, in UTC. */
export const exactMoment = (at: Date | null, micros: number): string | null =>
  at?.toISOString().replace('Z', micros === 0 ? 'Z' : `${String(micros).padStart(3, '0')}Z`) ?? null

/** As OpenStack writes it, with six digits. */
export const withMicros = (text: string | null): string | null =>
  text?.replace(/\.(\d+)Z$/, (_, digits: string) => `.${digits.padEnd(6, '0')}Z`) ?? null
