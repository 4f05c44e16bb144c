import type { QuotaView } from '@stratolith/api/kernel/contract'
import { expect, test } from 'vitest'
import { hintsOf, isMain, share } from './hints.ts'

const quota = (resource: string, used: number, limit: number) => ({ resource, used, limit }) as QuotaView
const calm = { byStatus: { ACTIVE: 3 }, quotas: [quota('vcpus', 2, 20)], keyPairs: 1, projectId: 'p' }

test('a person who has nothing to do gets no hint', () => expect(hintsOf(calm)).toEqual([]))

test('hints about limits come first, then things that use quota without need; errors are told elsewhere', () => {
  const hints = hintsOf({
    byStatus: { ERROR: 1, SHUTOFF: 2 },
    quotas: [quota('memoryMib', 19, 20), quota('instances', 10, 10), quota('images', 0, 0)],
    keyPairs: 0,
    projectId: 'p',
  })
  expect(hints.map(({ text }) => text)).toEqual([
    'Used up: Instances. Nearly used up: Memory. An administrator can give the project more.',
    '2 instances are stopped and still count against the limits.',
    'You have no key pair: without one nobody logs in with SSH to what you launch.',
  ])
  expect(hints[0]?.href).toBe('/admin/projects/p?tab=quota')
})

test('while the key pairs are not known there is no hint about them', () =>
  expect(hintsOf({ ...calm, keyPairs: null })).toEqual([]))

test('four limits are always shown, and others when they are nearly reached', () => {
  expect(isMain(quota('vcpus', 0, 20))).toBe(true)
  expect(isMain(quota('routers', 7, 10))).toBe(false)
  expect(isMain(quota('routers', 8, 10))).toBe(true)
  expect(isMain(quota('routers', 1000, -1))).toBe(false)
  expect(share(quota('images', 1, 0))).toBe(1)
})
