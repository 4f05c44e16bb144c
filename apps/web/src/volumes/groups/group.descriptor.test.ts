import type { GroupSnapshotView, GroupVolumeView } from '@stratolith/api/volumes/groups/contract'
import { Children, isValidElement, type ReactNode } from 'react'
import { expect, test } from 'vitest'
import { VolumeState } from '../VolumeState.tsx'
import { groupSnapshotDescriptor, memberDescriptor } from './group.descriptor.tsx'

const type = { id: 't', name: 'Standard' }
const member: GroupVolumeView = { id: 'v', name: 'log', sizeGib: 1, state: 'awaiting-transfer', type }

test('the state of a volume of a group is said in the words of the list of volumes', () => {
  const cell = memberDescriptor.columns.find(({ id }) => id === 'state')?.cell(member)
  expect(isValidElement(cell) && cell.type).toBe(VolumeState)
})

test('the row of a group snapshot says on a phone, too, what belongs together, and why a snapshot has failed', () => {
  const { columns } = groupSnapshotDescriptor
  expect(columns.find(({ id }) => id === 'instant')?.hideBelow).toBeUndefined()
  const failed = {
    id: 's',
    name: 'before',
    description: 'x',
    error: 'The host is silent.',
    snapshots: [],
  } as unknown as GroupSnapshotView
  expect(textsIn(columns.find(({ id }) => id === 'name')?.cell(failed))).toContain('The host is silent.')
})

const textsIn = (node: ReactNode): ReactNode[] =>
  isValidElement<{ children?: ReactNode }>(node)
    ? Children.toArray(node.props.children).flatMap(textsIn)
    : [node]
