import { afterAll, beforeAll, expect, test } from 'vitest'
import { aServer } from '../instances/testing.openstack.ts'
import { ask, closeNova, cloud, openNova, server } from './nova.testing.ts'

/** Nova answers 400 when Neutron refuses something, because Nova's clients know no other code for this case. */
beforeAll(openNova)
afterAll(closeNova)

async function neutron(path: string, body: object): Promise<string> {
  const answer = await cloud.app.inject({
    method: 'POST',
    url: `/network/v2.0${path}`,
    headers: { 'x-auth-token': cloud.tokens.ownerMember, 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  expect([answer.statusCode, answer.body]).toEqual([201, expect.anything()])
  return (Object.values(answer.json() as object)[0] as { id: string }).id
}
const message = (answer: Awaited<ReturnType<typeof ask>>) =>
  (answer.json() as { badRequest: { message: string } }).badRequest.message

test('a network without a subnet, and a floating IP that no router leads to, are answered with 400', async () => {
  const network_id = await neutron('/networks', { network: { name: 'island' } })
  const launch = await ask('POST', '/servers', {
    minor: 79,
    body: server({ networks: [{ uuid: network_id }] }),
  })
  expect([launch.statusCode, message(launch)]).toEqual([400, expect.stringContaining('has no subnet')])
  // Of several networks Nova chooses none: this is a conflict, and the only one here.
  const unsaid = await ask('POST', '/servers', { body: server({ networks: undefined }) })
  expect([unsaid.statusCode, unsaid.body]).toEqual([409, expect.stringContaining('more than one network')])

  await neutron('/subnets', { subnet: { network_id, ip_version: 4, cidr: '10.91.0.0/24' } })
  const id = await aServer(cloud.owner, { nics: [{ networkId: network_id }] })
  const taken = (await ask('POST', '/os-floating-ips', { body: {} })).json() as {
    floating_ip: { ip: string }
  }
  const refused = await ask('POST', `/servers/${id}/action`, {
    body: { addFloatingIp: { address: taken.floating_ip.ip } },
  })
  expect([refused.statusCode, message(refused)]).toEqual([400, expect.stringMatching(/^No router leads/)])
})

test('an address with more slashes than it needs is the same address', async () => {
  const get = async (url: string) =>
    (await cloud.app.inject({ url, headers: { 'x-auth-token': cloud.tokens.ownerMember } })).statusCode
  for (const path of [
    '/compute/v2.1//limits',
    '/compute//v2.1///servers//detail?limit=1',
    '/network/v2.0//networks.json?name=a//b',
    '/image/v2//images',
    '/identity//v3//auth/projects',
  ])
    expect([path, await get(path)]).toEqual([path, 200])
})
