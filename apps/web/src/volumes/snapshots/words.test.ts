import { expect, test } from 'vitest'
import { snapshotCreateCli, snapshotSetCli } from './cli.ts'
import { conditionReason, conditionText, proposedName, reversionLoss, snapshotLoss } from './words.ts'

test('the condition of a snapshot is told in plain words, with the reason', () => {
  expect([true, false, null].map(conditionText)).toEqual(['Consistent', 'As after a power cut', '–'])
  expect(conditionReason(true)).toMatch(/^Consistent: nothing wrote/)
  expect(conditionReason(false)).toMatch(/^As after a power cut: a guest wrote/)
})

test('the questions name what is lost and what stays', () => {
  expect(snapshotLoss([{ sizeGib: 5 }], null)).toMatch(
    /^The state that it keeps .* gives 5 GiB of the quota back/,
  )
  expect(snapshotLoss([{ sizeGib: 5 }, { sizeGib: 2 }], null)).toMatch(/^The states .* give 7 GiB/)
  expect(snapshotLoss([{ sizeGib: 5 }], '10 minutes')).toMatch(/deleted in 10 minutes .*; 5 GiB count/)
  expect(reversionLoss('data', '30 Nov 2026, 06:00:00')).toMatch(
    /^Everything that was written to “data” since 30 Nov 2026, 06:00:00 is lost\. The snapshot stays/,
  )
})

test('the proposed name has the name of the volume and the time, and is never too long', () => {
  const now = new Date(2026, 10, 30, 6, 5)
  expect(proposedName('data', now)).toBe('data 2026-11-30 06:05')
  expect(proposedName('x'.repeat(255), now).length).toBeLessThanOrEqual(255)
})

test('the commands of the stock client say force for a volume that an instance has', () => {
  const values = { name: 'my snapshot', description: '', force: true }
  expect(snapshotCreateCli('v', values)).toBe(
    "openstack volume snapshot create --volume v --force 'my snapshot'",
  )
  expect(snapshotCreateCli('v', { name: '', description: 'd', force: false })).toBe(
    'openstack volume snapshot create --volume v --description d NAME',
  )
  expect(snapshotSetCli({ id: 's', name: 'a', description: 'b' }, { name: 'c', description: 'b' })).toBe(
    'openstack volume snapshot set --name c s',
  )
})
