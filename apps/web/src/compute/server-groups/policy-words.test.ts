import { expect, test } from 'vitest'
import { serverGroupCreateCli } from './cli.ts'
import { policyText } from './policy-words.ts'

test('a policy’s text says what it does, and how many members may share a host', () => {
  expect(policyText({ policy: 'affinity', maxPerHost: null })).toBe('Together')
  expect(policyText({ policy: 'anti-affinity', maxPerHost: 2 })).toBe('Apart, at most 2 a host')
  expect(policyText({ policy: 'anti-affinity', maxPerHost: 1 })).toBe('Apart')
})

test('the command asks for the version of the API that has the policy', () => {
  expect(serverGroupCreateCli({ name: 'pair', policy: 'affinity', maxPerHost: '' })).toBe(
    'openstack server group create --policy affinity pair',
  )
  expect(serverGroupCreateCli({ name: '', policy: 'soft-affinity', maxPerHost: 3 })).toContain(
    '--os-compute-api-version 2.64',
  )
  const spread = serverGroupCreateCli({ name: 'pair', policy: 'anti-affinity', maxPerHost: 3 })
  expect(spread).toContain('--rule max_server_per_host=3')
})
