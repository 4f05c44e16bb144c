import { expect, test } from 'vitest'
import {
  copyAdds,
  groupCreateCli,
  groupDeleteCli,
  groupFromCli,
  groupSnapshotLoss,
  groupVolumesCli,
  instantText,
  nameProblem,
  snapshotAdds,
  volumesProblem,
} from './words.ts'

test.each([
  [null, '–'],
  [true, 'One instant'],
  [false, 'One instant for each instance and pool'],
])('a group snapshot whose volumes were kept at one instant: %s', (isOneInstant, text) => {
  expect(instantText({ isOneInstant })).toBe(text)
})

test('the commands of the clients name what the forms have', () => {
  expect(groupCreateCli({ name: 'g', type: 'Standard' }, ['gold'], ['a', 'b']).replace(/ \\\n +/g, ' ')).toBe(
    'openstack --os-volume-api-version 3.13 volume group create Standard gold --name g\ncinder --os-volume-api-version 3.13 group-update g --add-volumes a,b',
  )
  expect(groupFromCli('s', 'copy').replace(/ \\\n +/g, ' ')).toBe(
    'cinder --os-volume-api-version 3.14 group-create-from-src --group-snapshot s --name copy',
  )
  expect(groupDeleteCli('x', false)).toBe('openstack --os-volume-api-version 3.13 volume group delete x')
  expect(groupVolumesCli('x', ['a', 'b'], true).replace(/ \\\n +/g, ' ')).toBe(
    'cinder --os-volume-api-version 3.13 group-update x --remove-volumes a,b',
  )
})

test('the question before a group snapshot is deleted does not let people hope that they can take it back', () => {
  expect(groupSnapshotLoss).toMatch(/deleted at once and cannot be taken back/)
})

test('a new group has a name, by which its volumes are called when they are made of others', () => {
  expect(nameProblem(' ')).toBe('Give it a name.')
  expect(nameProblem('copy')).toBeNull()
})

test('no volumes cannot be added to a group', () => {
  expect(volumesProblem([])).toBe('Choose at least one volume.')
  expect(volumesProblem(['v'])).toBeNull()
})

test('a group snapshot of ten volumes takes ten times the quota of one, and so does a group that is made of it', () => {
  const ten = Array.from({ length: 10 }, () => ({ sizeGib: 3 }) as never)
  expect(snapshotAdds({ volumes: ten })).toEqual({ volumeSnapshots: 10, volumeGib: 30 })
  expect(copyAdds({ snapshots: ten })).toEqual({ volumeGroups: 1, volumes: 10, volumeGib: 30 })
})
