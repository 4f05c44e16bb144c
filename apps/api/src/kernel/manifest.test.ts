import { describe, expect, test } from 'vitest'
import { systemCtx } from './context.ts'
import { appendEvent } from './events.ts'
import { demandKind } from './kinds.ts'
import { defineRoom, type Room, registerRooms } from './manifest.ts'
import { ruleOf } from './policy.ts'
import { testDeps } from './testing.ts'
import { router } from './trpc.ts'
import { workflowNamed } from './workflow.ts'

const toy = (name: string, more: Partial<Room> = {}): Room => ({
  ...defineRoom({ name, uses: [], kinds: {}, policy: {}, router: router({}) }),
  ...more,
})
const workflow = (action: string) => ({ action, steps: [], onFailed: async () => undefined })
const operation = (name: string) => ({
  name,
  method: 'GET' as const,
  path: '/toys',
  summary: 'Toys',
  status: 200,
  access: 'list' as const,
  handle: () => ({}),
})
const door = (name: string) => ({
  service: 'toys',
  facade: { prefix: '/toys', style: 'nova' as const, ids: 'uuid' as const },
  operations: [{ below: ['/v1'], operations: [operation(name)] }],
})

describe('rooms', () => {
  test.each<[string, Room[]]>([
    ['room toy', [toy('toy'), toy('toy')]],
    ['kind doll', [toy('toy', { kinds: { doll: {} } }), toy('other', { kinds: { doll: {} } })]],
    [
      'rule toy:get',
      [toy('toy', { policy: { 'toy:get': 'admin' } }), toy('b', { policy: { 'toy:get': 'anyone' } })],
    ],
    [
      'workflow toy.make',
      [toy('toy', { workflows: [workflow('toy.make')] }), toy('b', { workflows: [workflow('toy.make')] })],
    ],
    [
      'reconciler toy.all',
      [
        toy('toy', { reconcilers: [{ name: 'toy.all', everyMs: 1, run: async () => undefined }] }),
        toy('b', { reconcilers: [{ name: 'toy.all', everyMs: 1, run: async () => undefined }] }),
      ],
    ],
    ['façade toys', [toy('toy', { openstack: [door('a')] }), toy('b', { openstack: [door('b')] })]],
    [
      'operation toys:a',
      [
        toy('toy', { openstack: [door('a')] }),
        toy('b', { openstack: [{ ...door('a'), facade: undefined }] }),
      ],
    ],
  ])('that both register %s are refused', (what, rooms) => {
    const named = rooms.map(({ name }) => name)
    expect(() => registerRooms(rooms)).toThrow(
      `${what} is said twice: by the rooms ${named[0]} and ${named[1]}`,
    )
    expect(workflowNamed('toy.make'), 'nothing of a refused list is registered').toBeUndefined()
  })

  test('may use only rooms that stand before them in the list', () => {
    const [a, b] = [toy('a', { uses: ['b'] }), toy('b')]
    expect(() => registerRooms([a, b])).toThrow('room a uses b, which does not stand before it')
    registerRooms([b, a])
  })

  test('are registered with everything in their manifest, and then join other rooms', () => {
    const joined: string[] = []
    registerRooms([
      toy('nursery', {
        kinds: { rattle: {} },
        policy: { 'nursery:shake': 'role:member' },
        workflows: [workflow('rattle.shake')],
        joins: () => void joined.push(ruleOf('nursery:shake').rule),
      }),
    ])
    expect(joined).toEqual(['role:member'])
    expect(workflowNamed('rattle.shake')).toBeDefined()
    expect(() => demandKind('rattle')).not.toThrow()
  })

  test('refuse an event of a kind that no room has', async () => {
    const { deps, close } = await testDeps()
    try {
      const event = { kind: 'ghost.created', projectId: null, resourceKind: 'ghost', resourceId: '1' }
      await expect(appendEvent(systemCtx(deps, 'test'), event)).rejects.toMatchObject({
        detail: expect.stringContaining('no room has the kind ghost'),
      })
      expect(await deps.root.event.count()).toBe(0)
    } finally {
      await close()
    }
  })
})
