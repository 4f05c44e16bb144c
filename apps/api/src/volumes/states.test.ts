import { expect, test } from 'vitest'
import { backupStates } from './backups/states.ts'
import { groupCan, groupSnapshotStates, groupStates } from './groups/states.ts'
import { snapshotCan, snapshotStates } from './snapshots/states.ts'
import { said, volumeCan, volumeStates } from './states.ts'

const inGroup = { state: 'available', groupId: 'g' } as const
const encrypted = { state: 'available', encrypted: true } as const
const many = { state: 'available', multiattach: true, bootable: true } as const

test.each([
  ['transfer', volumeCan.transfer(inGroup), /Take it out of the group first/],
  ['retype', volumeCan.retype(inGroup), /Take it out of the group first/],
  ['move', volumeCan.move(inGroup), /Take it out of the group first/],
  ['delete', volumeCan.delete(inGroup), /or delete the group/],
  ['makeImage', volumeCan.makeImage(encrypted), /would not be encrypted/],
  ['reimage', volumeCan.reimage(encrypted), /onto an encrypted volume/],
  ['launch', volumeCan.launch(many), /that several instances may have/],
  ['schedule', volumeCan.schedule(many), /several instances at once/],
  ['delete of a part', snapshotCan.delete({ state: 'available', groupSnapshotId: 'g' }), /group snapshot/],
])('%s is refused with the reason', (_, allowed, why) => {
  expect(allowed).toMatch(why)
})

test('reasons name the state in words, and not as programs write it', () => {
  for (const allowed of [
    volumeCan.attach({ state: 'in-use' }),
    volumeCan.transfer({ state: 'in-use', groupId: null }),
  ])
    expect(allowed).toMatch(/; this one is in use\.$/)
  expect(volumeCan.backUp({ state: 'error_deleting' })).toMatch(
    /; this one is in an error state after it could not be deleted\.$/,
  )
})

test('each state is said by words that follow “is” in a sentence', () => {
  const plain = ['available', 'reserved', 'in use']
  for (const state of [
    ...[...volumeStates, ...snapshotStates, ...backupStates, ...groupStates, ...groupSnapshotStates],
  ]) {
    const words = said({ state })
    expect(plain.includes(words) || /^(being|in an|offered|going|getting) /.test(words), words).toBe(true)
  }
  expect(volumeCan.delete({ state: 'maintenance' })).toMatch(/^This volume is being moved\./)
  expect(groupCan.change({ state: 'creating' })).toMatch(/; this one is being made\.$/)
})

test('the same actions are allowed to others', () => {
  const plain = { state: 'available', groupId: null, encrypted: false, multiattach: false } as const
  for (const action of ['transfer', 'retype', 'move', 'delete', 'makeImage', 'reimage', 'schedule'] as const)
    expect(volumeCan[action](plain)).toBe(true)
  expect(volumeCan.launch({ ...plain, bootable: true })).toBe(true)
  expect(volumeCan.move({ ...plain, state: 'in-use', encrypted: true })).toBe(true)
  expect(snapshotCan.delete({ state: 'available', groupSnapshotId: null })).toBe(true)
})
