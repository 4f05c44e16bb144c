import { describe, expect, it } from 'vitest'
import { outermost } from '../ipv4.ts'
import { guardOf, waysOut } from './guard.ts'
import type { Machine } from './machine.ts'

const route = (to: string, device: string, connected = false) => ({ to, connected, devices: [device] })
const machine: Machine = {
  addresses: ['127.0.0.0/8', '192.168.1.7/32', '203.0.113.9/32'],
  routes: [
    route('0.0.0.0/0', 'eth0'),
    route('192.168.1.0/24', 'eth0', true),
    route('10.1.0.0/16', 'mgmt0', true),
    route('10.2.0.0/16', 'vpn0'),
    route('172.24.4.0/24', 'stc1234-0a1b2c'),
  ],
  forwarding: new Map(),
}
const always = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '203.0.113.9/32', '224.0.0.0/3']
const connected = { connected: true, cidrs: [] }

describe('the guard', () => {
  it('denies by default the networks that the machine is connected to, and always the machine itself', () => {
    const { denied } = guardOf(connected, [], machine)
    expect([...denied].sort()).toEqual([...always, '10.1.0.0/16', '192.168.1.0/24'].sort())
    const none = guardOf({ connected: false, cidrs: [] }, [], machine).denied
    expect([...none].sort()).toEqual([...always, '192.168.1.7/32'].sort())
  })

  it('knows the interfaces by which destinations that are not denied are reached', () => {
    expect(waysOut(guardOf(connected, [], machine), machine)).toEqual(['eth0', 'vpn0'])
    expect(waysOut(guardOf(connected, ['10.1.0.53'], machine), machine)).toEqual(['eth0', 'mgmt0', 'vpn0'])
    const all = { connected: false, cidrs: ['0.0.0.0/0'] }
    expect(waysOut(guardOf(all, [], machine), machine)).toEqual([])
    expect(guardOf(all, [], machine).denied).toEqual(['0.0.0.0/0'])
  })

  it('names no address twice, because nft refuses overlapping ranges', () => {
    expect(
      outermost(['10.0.0.0/24', '10.0.0.7/8', '10.0.0.0/8', 'x', '9.9.9.9/32', '10.255.0.0/16']),
    ).toEqual(['9.9.9.9/32', '10.0.0.0/8'])
  })
})
