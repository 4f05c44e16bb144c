import { expect, test } from 'vitest'
import { nextTime, type Times } from './next.ts'

const times = (patch: Partial<Times>): Times => ({
  ...{ every: 'day', hours: 1, minute: 2 * 60 + 30, weekday: 0, timeZone: 'UTC', ...patch },
})
const next = (patch: Partial<Times>, now: string, before?: string) =>
  nextTime(times(patch), new Date(now), before === undefined ? null : new Date(before)).toISOString()

test('every day at a time, today or tomorrow', () => {
  expect(next({}, '2026-11-30T02:29:59Z')).toBe('2026-11-30T02:30:00.000Z')
  expect(next({}, '2026-11-30T02:30:00Z')).toBe('2026-12-01T02:30:00.000Z')
  expect(next({ timeZone: 'Asia/Kolkata' }, '2026-11-30T00:00:00Z')).toBe('2026-11-30T21:00:00.000Z')
  expect(next({ minute: 0, timeZone: 'Pacific/Auckland' }, '2026-11-30T11:00:00Z')).toBe(
    '2026-12-01T11:00:00.000Z',
  )
})

test('every week on a day', () => {
  // The 30th of November 2026 is a Monday.
  expect(next({ every: 'week', weekday: 1 }, '2026-11-30T00:00:00Z')).toBe('2026-11-30T02:30:00.000Z')
  expect(next({ every: 'week', weekday: 1 }, '2026-11-30T03:00:00Z')).toBe('2026-12-07T02:30:00.000Z')
  expect(next({ every: 'week', weekday: 0 }, '2026-11-30T03:00:00Z')).toBe('2026-12-06T02:30:00.000Z')
})

test('the clock of the zone counts, also when it is put forward or back', () => {
  const berlin = { timeZone: 'Europe/Berlin' }
  expect(next(berlin, '2026-10-23T12:00:00Z')).toBe('2026-10-24T00:30:00.000Z')
  expect(next(berlin, '2026-10-25T12:00:00Z')).toBe('2026-10-26T01:30:00.000Z')
  // 02:30 does not exist on that morning.
  const spring = next(berlin, '2027-03-27T12:00:00Z')
  expect(['2027-03-28T00:30:00.000Z', '2027-03-28T01:30:00.000Z']).toContain(spring)
  // Each day of a year has one time, and none is passed over.
  let at = new Date('2026-01-01T00:00:00Z')
  for (let day = 0; day < 365; day++) {
    const following = nextTime(times(berlin), at)
    expect((following.getTime() - at.getTime()) / 3_600_000, following.toISOString()).toBeLessThanOrEqual(25)
    at = following
  }
  expect(at.toISOString().slice(0, 10)).toBe('2026-12-31')
})

test('every so many hours from the last time, and missed times are not made up for', () => {
  const six = { every: 'hours', hours: 6 } as const
  expect(next(six, '2026-11-30T01:00:00Z')).toBe('2026-11-30T07:00:00.000Z')
  expect(next(six, '2026-11-30T07:00:30Z', '2026-11-30T07:00:00Z')).toBe('2026-11-30T13:00:00.000Z')
  expect(next(six, '2026-12-03T08:00:00Z', '2026-11-30T07:00:00Z')).toBe('2026-12-03T13:00:00.000Z')
})
