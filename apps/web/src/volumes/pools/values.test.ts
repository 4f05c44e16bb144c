import { expect, test } from 'vitest'
import { editInput, editValues, emptyPool, ofKind, poolInput, poolProblems, volumesText } from './values.ts'

test('volumes that can be taken back are counted by themselves', () => {
  expect(volumesText({ volumes: 4, deletedVolumes: 0 })).toBe('4')
  expect(volumesText({ volumes: 18, deletedVolumes: 14 })).toBe('4, and 14 that can be taken back')
})

test('a pool is asked for with what its form says, and with nothing that was left empty', () => {
  const typed = { ...emptyPool, name: 'fast', path: '/srv/fast', host: 'h1', zone: 'z1' }
  const place = { driver: 'files', path: '/srv/fast' }
  expect(poolInput(typed)).toEqual({ name: 'fast', description: '', place, hostId: 'h1', overcommit: 1 })
  const several = { ...typed, reach: 'several' as const, capacity: '500', overcommit: '1.5' }
  expect(poolInput(several)).toEqual({
    ...{ name: 'fast', description: '', place, zone: 'z1', capacityGib: 500, overcommit: 1.5 },
  })
  expect(poolInput({ ...several, zone: null })).not.toHaveProperty('zone')
})

test('a pool in Ceph is asked for with its place there, and needs all of it', () => {
  const ceph = { monitors: '10.0.0.1', pool: 'vol', user: 'cloud', key: 'secret' }
  const typed = { ...emptyPool, ...ceph, name: 'ceph', driver: 'rbd' as const, reach: 'several' as const }
  expect(poolInput({ ...typed, path: '/srv' }).place).toEqual({ driver: 'rbd', ...ceph })
  for (const field of ['monitors', 'pool', 'user', 'key'] as const) {
    expect(poolProblems[field](typed[field], typed)).toBeNull()
    expect(poolProblems[field](' ', typed)).toMatch(/^(Type|Paste)/)
    expect(poolProblems[field]('', emptyPool)).toBeNull()
  }
  expect(poolProblems.path('', typed)).toBeNull()
  expect(poolProblems.path('', emptyPool)).toBe('A folder begins with /.')
})

test('a pool of LUNs is asked for with its target, needs all of it, and gets only what was changed', () => {
  const iscsi = {
    portal: '10.0.0.1',
    target: 'iqn.2026-01.com.example:v',
    chapUser: 'cloud',
    secret: 'a secret',
  }
  const typed = { ...emptyPool, ...iscsi, name: 'luns', ...ofKind('iscsi') }
  const { chapUser: user, ...rest } = iscsi
  expect(typed.reach).toBe('several')
  expect(poolInput({ ...typed, path: '/srv', user: 'of ceph' }).place).toEqual({
    ...{ driver: 'iscsi', user },
    ...rest,
  })
  for (const field of ['portal', 'target', 'chapUser', 'secret'] as const) {
    expect(poolProblems[field](typed[field], typed)).toBeNull()
    expect(poolProblems[field](' ', typed)).toMatch(/^Type/)
    expect(poolProblems[field]('', emptyPool)).toBeNull()
  }
  const config = { portal: '10.0.0.1:3260', target: iscsi.target, user }
  const pool = { name: 'shared@luns', driver: 'iscsi', config } as unknown as Parameters<typeof editInput>[0]
  const values = editValues(pool)
  expect(editInput(pool, values).access).toBeUndefined()
  expect(editInput(pool, { ...values, secret: 'new' }).access).toEqual({ secret: 'new' })
  expect(editInput(pool, { ...values, chapUser: 'x', portal: 'y' }).access).toEqual({
    user: 'x',
    portal: 'y',
  })
})

test('a pool of one machine needs the machine', () => {
  expect(poolProblems.host(null, emptyPool)).toBe('Choose the machine.')
  expect(poolProblems.host(null, { ...emptyPool, reach: 'several' })).toBeNull()
})

test('a pool is renamed only when its name was changed', () => {
  const pool = { name: 'host-1@fast', driver: 'files', config: {} } as Parameters<typeof editInput>[0]
  const values = { ...editValues(pool), capacity: 5, overcommit: 1 }
  expect(editInput(pool, values)).not.toHaveProperty('shortName')
  expect(editInput(pool, { ...values, name: 'slow' })).toMatchObject({
    name: 'host-1@fast',
    shortName: 'slow',
  })
})

test('a pool in Ceph gets only what was changed of the way to the cluster', () => {
  const config = { monitors: '10.0.0.1', user: 'cloud', pool: 'vol' }
  const pool = { name: 'shared@ceph', driver: 'rbd', config } as unknown as Parameters<typeof editInput>[0]
  const values = editValues(pool)
  expect(editInput(pool, values).access).toBeUndefined()
  expect(editInput(pool, { ...values, key: 'new' }).access).toEqual({ key: 'new' })
  expect(editInput(pool, { ...values, monitors: '10.0.0.2' }).access).toEqual({ monitors: '10.0.0.2' })
})
