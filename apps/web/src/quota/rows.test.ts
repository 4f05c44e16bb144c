import { expect, test } from 'vitest'
import { partRows, quotaCommands } from './rows.ts'

const part = (of: 'volumes' | 'volumeGib', name: string) => ({
  ...{ name: `${of}:${name}` as const, of, part: { id: name, name }, limit: -1, used: 0 },
})
const parts = [part('volumes', 'gold'), part('volumeGib', 'gold'), part('volumes', 'silver')]
const command = (changed: object) => quotaCommands(changed, parts, { whose: ['p1'], usual: () => -1 })

test('the rows of volume types name the type and the resource', () => {
  expect(partRows(parts).map(({ label }) => label)).toEqual([
    'gold: Volumes',
    'gold: Volume storage',
    'silver: Volumes',
  ])
})

test('the command of the stock client names each type whose limits change', () => {
  expect(command({ volumes: 5 })).toBe('openstack quota set --volumes 5 p1')
  expect(command({ 'volumes:gold': 5, 'volumeGib:gold': null })).toBe(
    'openstack quota set --volume-type gold --volumes 5 --gigabytes -1 p1',
  )
  expect(command({ volumes: 5, 'volumes:silver': 1 }).split('\n')).toEqual([
    'openstack quota set --volumes 5 p1',
    'openstack quota set --volume-type silver --volumes 1 p1',
  ])
})
