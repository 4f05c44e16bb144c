import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isValidElement } from 'react'
import { expect, test } from 'vitest'
import { volumeDescriptor, volumeName } from './volume.descriptor.tsx'

const view = {
  ...{ id: 'v', name: 'data', sizeGib: 1, type: { id: 't', name: 'Standard' }, limits: {}, zone: 'nova' },
  ...{ pool: null, groupId: null, image: null, snapshotId: null, sourceVolumeId: null, backupId: null },
  ...{ createdAt: '2026-11-28T10:00:00Z', updatedAt: '2026-11-28T10:00:00Z' },
} as unknown as VolumeView

test('a volume to which a client gave no name is called by what it is for', () => {
  const attachment = { device: '/dev/vda', instanceName: 'web' } as VolumeView['attachments'][number]
  const named = (more: Partial<VolumeView>) => volumeName({ ...view, attachments: [], name: '', ...more })
  expect(named({ name: 'data', attachments: [attachment] })).toBe('data')
  expect(named({ attachments: [attachment] })).toBe('Root disk of web')
  expect(named({ attachments: [{ ...attachment, device: '/dev/vdb' }] })).toBe('Disk of web')
  expect(named({ image: { id: 'i', name: 'debian' } })).toBe('Disk made from debian')
  expect(named({})).toBe('v')
})

test('the facts of a volume say when guests may only read it', () => {
  const labels = (readOnly: boolean) =>
    volumeDescriptor.facts?.({ ...view, readOnly }).map(({ label }) => label)
  expect(labels(true)).toContain('Read-only')
  expect(labels(false)).not.toContain('Read-only')
})

const groupOf = (volume: VolumeView) =>
  volumeDescriptor.facts?.(volume).find(({ label }) => label === 'Group')?.value

test('the facts of a volume name its group, without which several actions are refused', () => {
  const value = groupOf({ ...view, groupId: 'g' })
  expect(isValidElement<{ id: string }>(value) && value.props.id).toBe('g')
  expect(groupOf(view)).toBeUndefined()
})
