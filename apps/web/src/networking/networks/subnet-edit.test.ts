import type { SubnetView } from '@stratolith/api/networking/contract'
import { expect, it } from 'vitest'
import { editInput, editOf, editProblems } from './subnet-edit.ts'

const subnet: SubnetView = {
  ...{ id: 's', networkId: 'n', name: 'one', description: '', cidr: '10.0.0.0/24', gatewayIp: '10.0.0.1' },
  ...{ dhcp: true, dns: ['9.9.9.9'], addressesUsed: 0, addressesTotal: 253 },
  pool: { start: '10.0.0.1', end: '10.0.0.254' },
  pools: [{ start: '10.0.0.2', end: '10.0.0.254' }],
}
const start = editOf(subnet)

it('sends no gateway and no pool that nobody has changed', () => {
  expect(start.pool).toEqual({ start: '10.0.0.2', end: '10.0.0.254' })
  expect(editInput(subnet, { ...start, name: 'two' })).toEqual({
    ...{ id: 's', name: 'two', description: '', dns: ['9.9.9.9'] },
    ...{ gatewayIp: undefined, dhcp: undefined, pool: undefined },
  })
})

it('sends a changed pool, and null for no gateway', () => {
  const pool = { start: ' 10.0.0.100', end: '10.0.0.200' }
  expect(editInput(subnet, { ...start, noGateway: true, dhcp: false, pool })).toMatchObject({
    gatewayIp: null,
    dhcp: false,
    pool: { start: '10.0.0.100', end: '10.0.0.200' },
  })
})

it('shows a pool with the gateway in its middle as one range', () => {
  const around = {
    ...{ ...subnet, gatewayIp: '10.0.0.7' },
    pools: [
      { start: '10.0.0.1', end: '10.0.0.6' },
      { start: '10.0.0.8', end: '10.0.0.254' },
    ],
  }
  expect(editOf(around).pool).toEqual(subnet.pool)
})

it('says at each field what is wrong', () => {
  expect(editProblems(subnet, start)).toEqual({})
  const wrong = {
    ...{ ...start, gateway: '10.0.9.1', dns: ['dns.example'] },
    pool: { start: '10.0.0.20', end: '10.0.0.10' },
  }
  expect(editProblems(subnet, wrong)).toEqual({
    gateway: '10.0.9.1 is not a usable address of 10.0.0.0/24.',
    dns: 'dns.example is no address. Write it like 9.9.9.9.',
    pool: '10.0.0.20 comes after 10.0.0.10.',
  })
  expect(editProblems(subnet, { ...start, gateway: '', pool: { start: '', end: '' } })).toEqual({
    gateway: 'Write an address, or tick “No gateway”.',
    pool: 'Write the first and the last address that are given out.',
  })
})
