import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isValidElement } from 'react'
import { expect, test } from 'vitest'
import { volumeDescriptor } from './volume.descriptor.tsx'

const view = {
  ...{ id: 'v', name: 'data', sizeGib: 1, type: { id: 't', name: 'Standard' }, limits: {}, zone: 'nova' },
  ...{ pool: null, groupId: null, image: null, snapshotId: null, sourceVolumeId: null, backupId: null },
  ...{ createdAt: '2026-11-28T10:00:00Z', updatedAt: '2026-11-28T10:00:00Z' },
} as unknown as VolumeView

const groupOf = (volume: VolumeView) =>
  volumeDescriptor.facts?.(volume).find(({ label }) => label === 'Group')?.value

test('the facts of a volume name its group, without which several actions are refused', () => {
  const value = groupOf({ ...view, groupId: 'g' })
  expect(isValidElement<{ id: string }>(value) && value.props.id).toBe('g')
  expect(groupOf(view)).toBeUndefined()
})
