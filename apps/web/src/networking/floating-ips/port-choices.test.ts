import { expect, it } from 'vitest'
import { portChoices } from './port-choices.ts'

const address = {
  networkId: 'n1',
  networkName: 'net',
  portId: 'p1',
  mac: '',
  address: '10.0.0.5',
  floatingIp: null,
  floatingIpId: null,
}
const routed = { id: 'n1', router: { id: 'r', name: 'r', externalAddress: '172.24.4.2' } }

it('offers free ports, shows taken ones with the reason, and marks ports without a way out', () => {
  const instances = [
    { name: 'web', addresses: [address] },
    {
      name: 'db',
      addresses: [
        { ...address, portId: 'p2', address: '10.0.0.6', floatingIp: '172.24.4.9', floatingIpId: 'f' },
      ],
    },
    { name: 'lab', addresses: [{ ...address, portId: 'p3', networkId: 'n2', address: '10.0.1.5' }] },
  ]
  expect(portChoices(instances, [routed, { id: 'n2', router: null }])).toEqual([
    { value: 'p1', label: 'web · 10.0.0.5 (net)' },
    { value: 'p2', label: 'db · 10.0.0.6 (net): has 172.24.4.9', disabled: true },
    { value: 'p3', label: 'lab · 10.0.1.5 (net): no router leads out' },
  ])
})
it('offers a port with two addresses once, by its first address', () => {
  const instances = [{ name: 'web', addresses: [address, { ...address, address: '10.0.9.5' }] }]
  expect(portChoices(instances, [routed])).toEqual([{ value: 'p1', label: 'web · 10.0.0.5 (net)' }])
})
