import { expect, it } from 'vitest'
import { fixedIpProblems, fixedIpsInput, groupsInput, ownerOfNewPort } from './port-form.ts'

const subnets = [
  { id: 'a', cidr: '10.0.0.0/24', name: '' },
  { id: 'b', cidr: '10.0.1.0/24', name: 'b' },
]

it('sends an empty address as a wish for any free one', () => {
  expect(
    fixedIpsInput([
      { subnetId: 'a', address: ' 10.0.0.9 ' },
      { subnetId: 'b', address: '' },
    ]),
  ).toEqual([
    { subnetId: 'a', address: '10.0.0.9' },
    { subnetId: 'b', address: undefined },
  ])
})

it('says at each line what is wrong with its address', () => {
  const lines = [
    { subnetId: 'a', address: '10.0.0.9' },
    { subnetId: 'a', address: '10.0.1.9' },
    { subnetId: 'b', address: '' },
    { subnetId: 'a', address: '10.0.0.9' },
    { subnetId: '', address: '' },
  ]
  expect(fixedIpProblems(lines, subnets)).toEqual({
    'fixedIps.1.address': '10.0.1.9 is not a usable address of 10.0.0.0/24.',
    'fixedIps.3.address': '10.0.0.9 stands here already.',
    'fixedIps.4.address': 'Choose a subnet.',
  })
})

it('makes a port on another project’s own network in that project', () => {
  const network = { own: false, shared: false, external: false, projectId: 'theirs' }
  expect(ownerOfNewPort(network, 'ours')).toBe('theirs')
  expect(ownerOfNewPort({ ...network, shared: true }, 'ours')).toBeUndefined()
  expect(ownerOfNewPort({ ...network, own: true }, 'ours')).toBeUndefined()
})

it('makes a port from a page of the cloud in the project of the network, which the page shows', () => {
  const network = { own: false, shared: false, external: false, projectId: 'theirs' }
  for (const more of [{}, { own: true }, { shared: true }, { external: true }])
    expect(ownerOfNewPort({ ...network, ...more }, null)).toBe('theirs')
})

it('puts a port without port security in no group', () => {
  expect(groupsInput({ portSecurity: true, groupIds: null })).toBeUndefined()
  expect(groupsInput({ portSecurity: true, groupIds: ['g'] })).toEqual(['g'])
  expect(groupsInput({ portSecurity: false, groupIds: ['g'] })).toEqual([])
})
