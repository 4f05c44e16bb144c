import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import { expect, test } from 'vitest'
import { driveFiles } from './drive.ts'

const spec: InstanceSpec = {
  id: '11111111-1111-4111-8111-111111111111',
  projectId: 'p',
  name: 'web',
  vcpus: 1,
  memoryMib: 64,
  power: 'running',
  disks: [],
  nics: [],
  volumes: [],
  configDrive: true,
  guest: {
    hostname: 'web',
    zone: 'nova',
    launchIndex: 0,
    metadata: { role: 'db' },
    publicKeys: [{ name: 'me', key: 'ssh-ed25519 AAAA me' }],
    userData: Buffer.from('#!/bin/sh\n').toString('base64'),
    securityGroups: ['default'],
    flavorName: 'm1.nano',
    imageId: null,
    adminPass: 'secret',
  },
}

test('a config drive has every version of both trees and the password', () => {
  const files = new Map(
    driveFiles({ spec, ports: [] }, '2021-01-01').map((f) => [f.path, f.content.toString()]),
  )
  expect([...files.keys()].filter((name) => name.startsWith('openstack/latest/')).sort()).toEqual(
    ['meta_data.json', 'network_data.json', 'user_data', 'vendor_data.json', 'vendor_data2.json'].map(
      (name) => `openstack/latest/${name}`,
    ),
  )
  expect(files.has('openstack/2020-10-14/meta_data.json')).toBe(true)
  expect(files.has('openstack/2025-04-04/meta_data.json')).toBe(false)
  expect(files.get('ec2/2009-04-04/user-data')).toBe('#!/bin/sh\n')
  expect(JSON.parse(files.get('openstack/latest/meta_data.json') ?? '')).toMatchObject({
    uuid: spec.id,
    meta: { role: 'db' },
    admin_pass: 'secret',
  })
  expect(JSON.parse(files.get('ec2/latest/meta-data.json') ?? '')).toMatchObject({ hostname: 'web' })
})
