import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNamespace, ip, networkSpec, op, portSpec, tcpFrom } from '../testing/lab.ts'
import { addressSetFilter, portFilter, skeleton } from './filter.ts'
import type { Fragment } from './fragment.ts'
import { closed, planeFilter } from './guard.ts'
import { Rules } from './rules.ts'

const namespace = `sr${process.pid.toString(36)}`
const red = networkSpec('red', 1)
const members = (count: number) => Array.from({ length: count }, (_, i) => `10.9.${i >> 8}.${i & 255}`)
const port = (more = {}) => portFilter(portSpec('web', 11, red, more), 'tap11', 7, red.tag)
const rules = [tcpFrom(22, { cidr: '10.1.0.0/16' }), tcpFrom(80, { addressSet: 'web' }), tcpFrom(443)]

beforeAll(async () => {
  ip('netns', 'add', namespace)
  const all = await Rules.whole(op(), namespace)
  await all.apply(op(), skeleton(planeFilter(closed, 'off')))
  await all.apply(op(), { sets: [{ family: 'inet', name: `dhcp_${red.tag}`, members: [] }] })
})
afterAll(() => ip('netns', 'delete', namespace))

/** The rules that were updated by the kernel's echo equal the rules that are read afresh. */
async function isAsRead(written: Rules, fragment: Fragment): Promise<void> {
  expect(await written.difference(op(), fragment)).toBeNull()
  expect(await (await Rules.whole(op(), namespace)).difference(op(), fragment)).toBeNull()
}

describe.each([
  ['whole', () => Rules.whole(op(), namespace)],
  ['by pieces', async () => Rules.byPieces(namespace)],
])('rules that are read %s', (_, read) => {
  it.each([0, 3, 500, 3_000])(
    'are right for a set that had %i members and gets more or fewer',
    async (count) => {
      const written = await read()
      for (const list of [members(count), members(count + 1), members(Math.max(0, count - 1))]) {
        await written.apply(op(), addressSetFilter('web', list))
        await isAsRead(written, addressSetFilter('web', list))
      }
      expect(await written.difference(op(), addressSetFilter('web', members(count + 2)))).toMatch(
        /other members/,
      )
    },
  )

  it('are right for a port with new rules, with fewer rules, and with a map element that had another value', async () => {
    const written = await read()
    await written.apply(op(), addressSetFilter('web', members(2)))
    for (const some of [rules, rules.slice(1), [...rules].reverse()]) {
      await written.apply(op(), port({ rules: some }))
      await isAsRead(written, port({ rules: some }))
      await isAsRead(written, addressSetFilter('web', members(2)))
    }
    expect(await written.difference(op(), port({ rules }))).toMatch(/other rules/)
    await written.apply(op(), { chains: [{ family: 'bridge', name: 'other', rules: ['drop'] }] })
    inNamespace(namespace, 'nft', 'delete element bridge stratolith in_port { "tap11" }')
    inNamespace(namespace, 'nft', 'add element bridge stratolith in_port { "tap11" : goto other }')
    const after = await read()
    expect(await after.difference(op(), port({ rules }))).not.toBeNull()
    await after.apply(op(), port({ rules }))
    await isAsRead(after, port({ rules }))
  })

  it('are refused as a whole when the kernel refuses one of them', async () => {
    const written = await read()
    await written.apply(op(), addressSetFilter('web', members(2)))
    const wrong = {
      ...addressSetFilter('web', members(3)),
      chains: [{ family: 'inet' as const, name: 'bad', rules: ['no such rule'] }],
    }
    await expect(written.apply(op(), wrong)).rejects.toThrow(/nft/)
    await isAsRead(await read(), addressSetFilter('web', members(2)))
  })
})
