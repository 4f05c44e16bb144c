import { expect, it } from 'vitest'
import { portChoices } from './port-choices.ts'

const at = (address: string, floatingIp: string | null = null) => ({
  subnetId: 's',
  address,
  floatingIp: floatingIp === null ? null : { id: 'f', address: floatingIp },
})
const port = {
  id: 'p1',
  networkId: 'n1',
  networkName: 'net',
  device: { kind: 'instance' as const, id: 'i', name: 'web' },
  addresses: [at('10.0.0.5')],
}
const named = (name: string) => ({ ...port.device, name })
const routed = { id: 'n1', router: { id: 'r', name: 'r', externalAddress: '172.24.4.2' } }

it('offers free ports, shows taken ones with the reason, and marks ports without a way out', () => {
  const ports = [
    port,
    { ...port, id: 'p2', device: named('db'), addresses: [at('10.0.0.6', '172.24.4.9')] },
    { ...port, id: 'p3', device: named('lab'), networkId: 'n2', addresses: [at('10.0.1.5')] },
  ]
  expect(portChoices(ports, [routed, { id: 'n2', router: null }])).toEqual([
    { value: 'p1', label: 'web · 10.0.0.5 (net)' },
    { value: 'p2', label: 'db · 10.0.0.6 (net): has 172.24.4.9', disabled: true },
    { value: 'p3', label: 'lab · 10.0.1.5 (net): no router leads out' },
  ])
})
it('offers a port with two addresses once, by its first address', () => {
  const ports = [{ ...port, addresses: [at('10.0.0.5'), at('10.0.9.5')] }]
  expect(portChoices(ports, [routed])).toEqual([{ value: 'p1', label: 'web · 10.0.0.5 (net)' }])
})
