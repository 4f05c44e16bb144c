/** When a schedule is due. */
export type Times = {
  every: 'hours' | 'day' | 'week'
  hours: number
  minute: number
  weekday: number
  timeZone: string
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/**
 * The first time after `now` at which the schedule is due. `before`: when it was due for the last time, from which hours
 * count. However many times were missed, the next one is in the future, so that one backup makes up for all of them.
 */
export function nextTime(times: Times, now: Date, before: Date | null = null): Date {
  if (times.every !== 'hours') return nextClockTime(times, now)
  const step = times.hours * hourMs
  const from = before?.getTime() ?? now.getTime()
  const missed = Math.max(0, Math.floor((now.getTime() - from) / step))
  return new Date(from + (missed + 1) * step)
}

/** The clock of a zone is put forward and back, so that each day is looked at by itself. */
function nextClockTime({ every, minute, weekday, timeZone }: Times, now: Date): Date {
  // Eight days contain each day of the week with its time still to come, and two are more than enough for "day".
  for (let day = 0; day <= 8; day++) {
    const at = timeOn(new Date(now.getTime() + day * dayMs), minute, timeZone)
    const isRight = every === 'day' || clock(at, timeZone).weekday === weekday
    if (isRight && at > now) return at
  }
  throw new Error(`no time of a schedule within eight days of ${now.toISOString()}`)
}

/** That minute of the day on which `day` is in the zone. A minute that the zone leaves out is the one an hour later. */
function timeOn(day: Date, minute: number, timeZone: string): Date {
  const { year, month, date } = clock(day, timeZone)
  const wanted = Date.UTC(year, month - 1, date, 0, minute)
  const guess = wanted - offsetMs(new Date(wanted), timeZone)
  return new Date(wanted - offsetMs(new Date(guess), timeZone))
}

const offsetMs = (at: Date, timeZone: string): number => {
  const { year, month, date, hour, minute } = clock(at, timeZone)
  return Date.UTC(year, month - 1, date, hour, minute) - Math.floor(at.getTime() / 60_000) * 60_000
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
function clock(at: Date, timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', weekday: 'short', year: 'numeric', month: 'numeric' },
    ...{ day: 'numeric', hour: 'numeric', minute: 'numeric' },
  })
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const number = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name))
  return {
    ...{ year: number('year'), month: number('month'), date: number('day') },
    ...{ hour: number('hour'), minute: number('minute') },
    weekday: days.indexOf(parts.get('weekday') ?? ''),
  }
}
