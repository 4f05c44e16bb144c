import type { GroupVolumeView } from '@stratolith/api/volumes/groups/contract'
import { isValidElement } from 'react'
import { expect, test } from 'vitest'
import { VolumeState } from '../VolumeState.tsx'
import { memberDescriptor } from './group.descriptor.tsx'

const type = { id: 't', name: 'Standard' }
const member: GroupVolumeView = { id: 'v', name: 'log', sizeGib: 1, state: 'awaiting-transfer', type }

test('the state of a volume of a group is said in the words of the list of volumes', () => {
  const cell = memberDescriptor.columns.find(({ id }) => id === 'state')?.cell(member)
  expect(isValidElement(cell) && cell.type).toBe(VolumeState)
})
