import { describe, expect, it } from 'vitest'
import { attachCli, detachCli, serverSetCli } from './cli.ts'

describe('commands of the stock client for an instance', () => {
  it('rename the instance, and set the description when it has changed', () => {
    const before = { id: 'i', name: 'web', description: '' }
    expect(serverSetCli(before, { name: "it's", description: '' })).toBe(
      "openstack server set --name 'it'\\''s' i",
    )
    expect(serverSetCli(before, { name: 'web', description: 'front' })).toBe(
      'openstack server set --name web --description front i',
    )
  })

  it('attach an interface with any address or a chosen one, and detach it', () => {
    expect(attachCli('i', { networkId: '', address: '' })).toBe('openstack server add network i NETWORK')
    expect(attachCli('i', { networkId: 'n', address: '10.0.0.9' })).toBe(
      'openstack server add fixed ip --fixed-ip-address 10.0.0.9 i n',
    )
    expect(detachCli('i', 'p')).toBe('openstack server remove port i p')
  })
})
