import { expect, test } from 'vitest'
import { backupCreateCli, backupRestoreCli, backupRestoreNewCli } from './cli.ts'
import {
  backupLoss,
  clockText,
  keepProblem,
  madeAt,
  minuteOf,
  percentOf,
  restoreLoss,
  restoringOf,
  scheduleProblem,
  scheduleText,
  storedText,
  unknownText,
  whyNotTo,
} from './words.ts'

test('a schedule that would keep more than the quota has room for is warned of', () => {
  const quotas = [
    { resource: 'volumeBackups' as const, used: 3, limit: 20 },
    { resource: 'volumeBackupGib' as const, used: 10, limit: 100 },
  ]
  expect(keepProblem(quotas, { volumeBackups: 17, volumeBackupGib: 17 })).toBeNull()
  expect(keepProblem(quotas, { volumeBackups: 50, volumeBackupGib: 50 })).toMatch(
    /room for 17 more backups: when/,
  )
  expect(keepProblem(quotas, { volumeBackups: 7, volumeBackupGib: 700 })).toMatch(/room for 90 GiB: when/)
})

test('the page of a volume says that its schedule keeps more than the whole quota', () => {
  const quotas = [
    { resource: 'volumeBackups' as const, used: 10, limit: 10 },
    { resource: 'volumeBackupGib' as const, used: 10, limit: 100 },
  ]
  expect(scheduleProblem(quotas, { keep: 10 }, 5)).toBeNull()
  expect(scheduleProblem(quotas, { keep: 50 }, 1)).toMatch(/room for 10 more backups: when/)
  expect(scheduleProblem(quotas, { keep: 10 }, 20)).toMatch(/room for 100 GiB: when/)
})

test('the stored size stands beside the full size', () => {
  expect(storedText({ storedBytes: 4 * 1024 ** 2, sizeGib: 10 })).toBe('4 MiB of 10 GiB')
  expect(storedText({ storedBytes: null, sizeGib: 10 })).toBe('–')
})

test('a backup is of the time at which its content was read, and not of the click', () => {
  const times = { dataTimestamp: '2026-11-30T19:09:00.000Z', snapshotId: null }
  expect(madeAt({ ...times, state: 'creating' })).toBeNull()
  expect(madeAt({ ...times, state: 'available' })).toBe(times.dataTimestamp)
  expect(madeAt({ ...times, state: 'creating', snapshotId: 's' })).toBe(times.dataTimestamp)
})

test('the questions name what is lost and what stays', () => {
  expect(backupLoss([{ sizeGib: 5 }], null)).toMatch(/^What it contains cannot be brought back.* 5 GiB of/)
  expect(backupLoss([{ sizeGib: 5 }, { sizeGib: 1 }], '10 minutes')).toMatch(
    /^What they contain is deleted in 10 minutes .*; 6 GiB count in the quota/,
  )
  expect(restoreLoss('data', 3, 2)).toMatch(
    /Everything on “data” is lost .* keeps its 3 GiB; .* beyond 2 GiB/,
  )
  expect(restoreLoss('data', 2, 2)).not.toMatch(/zeros/)
})

test('a percentage is read out of what the host says', () => {
  expect([
    percentOf('Storing the content: 43 %'),
    percentOf('100%'),
    percentOf('the host'),
    percentOf(null),
  ]).toEqual([...[43, 100, null, null]])
})

test('times of a schedule are typed and told', () => {
  expect(['2:30', '02:30', '24:00', '12:60', 'noon', ''].map(minuteOf)).toEqual([
    150,
    150,
    null,
    null,
    null,
    null,
  ])
  expect(clockText(150)).toBe('02:30')
  const at = { hours: 6, minute: 150, weekday: 1, timeZone: 'Europe/Berlin' }
  expect(scheduleText({ ...at, every: 'hours' })).toBe('Every 6 hours')
  expect(scheduleText({ ...at, every: 'hours', hours: 1 })).toBe('Every hour')
  expect(scheduleText({ ...at, every: 'day' })).toBe('Every day at 02:30 (Europe/Berlin)')
  expect(scheduleText({ ...at, every: 'week' })).toBe('Every Monday at 02:30 (Europe/Berlin)')
})

test('the commands of the stock client say what the forms say', () => {
  const plain = { name: 'b', description: '', incremental: false, force: false, snapshotId: null }
  expect(backupCreateCli('v', plain)).toBe('openstack volume backup create --name b v')
  const whole = backupCreateCli('v', { ...plain, incremental: true, force: true, snapshotId: 's' })
  expect(whole.replaceAll(/[\s\\]+/g, ' ')).toBe(
    'openstack volume backup create --name b --incremental --force --snapshot s v',
  )
  expect(backupRestoreNewCli('b', 'again')).toBe('cinder backup-restore --name again b')
  expect(backupRestoreCli('b', 'v')).toBe('openstack volume backup restore --force b v')
})

test('an administrator does not get the data of another project into a new volume of the own one', () => {
  const backup = { volume: { id: 'v', name: 'data', lastName: 'data' } }
  expect(restoringOf(backup, false)).toEqual({ to: 'new', name: 'data', volumeId: null })
  expect(restoringOf(backup, true).to).toBe('existing')
})

test('the form says beforehand which volumes cannot get the content of a backup', () => {
  const volume = { sizeGib: 2, state: 'available', multiattach: false, keyId: null } as const
  const backup = { sizeGib: 2, keyId: null }
  expect(whyNotTo(volume, backup)).toBeNull()
  expect(whyNotTo({ ...volume, keyId: 'a' }, { ...backup, keyId: 'a' })).toBeNull()
  expect(whyNotTo({ ...volume, sizeGib: 1 }, backup)).toMatch(/^It is smaller than the backup/)
  expect(whyNotTo(volume, { ...backup, keyId: 'a' })).toBe('It is not encrypted, and the backup is.')
  expect(whyNotTo({ ...volume, keyId: 'a' }, backup)).toBe('It is encrypted, and the backup is not.')
  expect(whyNotTo({ ...volume, keyId: 'b' }, { ...backup, keyId: 'a' })).toMatch(/by another key/)
  expect(whyNotTo({ ...volume, state: 'in-use' }, backup)).toMatch(/^An instance uses this volume/)
})

test('how many backups have no row, and how much they take, is said also when not all are shown', () => {
  const of = (...sizes: (number | null)[]) => sizes.map((storedBytes) => ({ storedBytes }))
  expect(unknownText({ total: 1, items: of(1024 ** 3) })).toBe('1 backup without a row, 1 GiB.')
  expect(unknownText({ total: 1_200, items: of(1024 ** 3, null) })).toBe(
    '1,200 backups without a row. These are the first 2, which take 1 GiB.',
  )
})
