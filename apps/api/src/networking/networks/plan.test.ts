import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyClosed } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import { readFacts } from '../../kernel/facts.ts'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { createFloatingIp } from '../floating-ips/service.ts'
import { explainReach, ruleOpens } from '../ports/reach.ts'
import {
  addSecurityGroupRule,
  createSecurityGroup,
  ensureDefaultSecurityGroup,
} from '../security-groups/service.ts'
import { addPlane, type Cloud, floatingIp, network, newPort, rule, testCloud } from '../testing.ts'
import { judgeNetworks, type NetworkWish, networkFacts } from './plan.ts'
import { createNetwork, starterNetwork } from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

type Wish = NetworkWish & { count: number }
const wish = (patch: Partial<Wish> = {}): Wish => ({
  count: 1,
  networkIds: [],
  securityGroupIds: [],
  openPresets: [],
  publicIp: false,
  ...patch,
})
async function planNetworks(ctx: Ctx, { count, ...wished }: Wish) {
  const { facts } = await readFacts(ctx, { facts: networkFacts(ctx, wished) })
  return judgeNetworks(wished, facts, { count, closed: (await whyClosed(ctx, null)) !== null })
}
const open = { protocol: 'tcp', portMin: 22, portMax: 22, remoteCidr: null }

describe('whether a rule lets the world in', () => {
  it.each<[string, object, { protocol: string; port?: number }, boolean]>([
    ['its port', {}, { protocol: 'tcp', port: 22 }, true],
    ['another port', {}, { protocol: 'tcp', port: 23 }, false],
    ['another protocol', {}, { protocol: 'udp', port: 22 }, false],
    ['first of a range', { portMin: 20, portMax: 30 }, { protocol: 'tcp', port: 20 }, true],
    ['last of a range', { portMin: 20, portMax: 30 }, { protocol: 'tcp', port: 30 }, true],
    ['past a range', { portMin: 20, portMax: 30 }, { protocol: 'tcp', port: 31 }, false],
    ['all ports', { portMin: null, portMax: null }, { protocol: 'tcp', port: 9 }, true],
    ['everything', { protocol: null, portMin: null, portMax: null }, { protocol: 'icmp' }, true],
    ['some of the world', { remoteCidr: '10.0.0.0/8' }, { protocol: 'tcp', port: 22 }, false],
    // For icmp "ports" are type and code: only echo requests (8) are a ping.
    ['pings', { protocol: 'icmp', portMin: 8, portMax: 0 }, { protocol: 'icmp' }, true],
    ['other icmp', { protocol: 'icmp', portMin: 3, portMax: null }, { protocol: 'icmp' }, false],
  ])('%s', (_what, patch, question, wanted) => {
    expect(ruleOpens({ ...open, ...patch }, question)).toBe(wanted)
  })
})

describe('the explanation, hop by hop', () => {
  it('names what is closed until everything is open', async () => {
    const ctx = await testCtx(cloud.deps)
    const host = await addPlane(cloud)
    const island = await createNetwork(ctx, network({ name: 'island' }))
    const web = await createSecurityGroup(ctx, { name: 'web', description: '' })
    const lonely = await newPort(ctx, island.id, { hostId: host.id, groups: [web.id] })
    const ask = (portId: string) => explainReach(ctx, { portId, protocol: 'tcp', port: 22 })
    expect(await ask(lonely)).toEqual({
      ok: false,
      closed: false,
      hops: [
        {
          what: 'router',
          ok: false,
          reason: 'Network “island” has no router with a way out. Attach one under Networks.',
        },
        { what: 'floating IP', ok: false, reason: 'It has no floating IP. Associate one.' },
        {
          what: 'security groups let 22/tcp in',
          ok: false,
          reason: 'No rule of “web” lets 22/tcp in. Add a rule.',
        },
        { what: 'port is up', ok: false, reason: 'The port is down.' },
      ],
    })
    const routed = await starterNetwork(ctx, { name: 'net' })
    const portId = await newPort(ctx, routed.id, { hostId: host.id, groups: [web.id] })
    await createFloatingIp(ctx, floatingIp({ portId }))
    const closed = async () => (await ask(portId)).hops.filter((hop) => !hop.ok).map((hop) => hop.what)
    expect(await closed()).toEqual(['security groups let 22/tcp in', 'port is up'])
    // A rule that lets in the members of a group lets nobody in from the world.
    await addSecurityGroupRule(ctx, rule(web.id, { remoteGroupId: web.id }))
    await runPending(cloud.deps)
    expect(await closed()).toEqual(['security groups let 22/tcp in'])
    await addSecurityGroupRule(ctx, rule(web.id))
    await runPending(cloud.deps)
    expect((await ask(portId)).ok).toBe(true)
    await cloud.deps.root.hostBeat.create({ data: { hostId: host.id, facts: { egress: 'off' } } })
    expect(await ask(portId)).toMatchObject({ ok: false, closed: true })
    expect((await ask(portId)).hops[0]).toMatchObject({
      what: 'the host',
      ok: false,
      reason: expect.stringContaining(
        'an administrator of the cloud starts it anew with STRATOLITH_EGRESS=on',
      ),
    })
    await cloud.deps.root.hostBeat.update({ where: { hostId: host.id }, data: { facts: { egress: 'on' } } })
    expect(await ask(portId)).toMatchObject({ ok: true, closed: false })
    const other = await testCtx(cloud.deps)
    await expectCloudError(explainReach(other, { portId, protocol: 'icmp' }), 'not_found')
  })
})

describe('the plan of a launch', () => {
  const messages = (plan: Awaited<ReturnType<typeof planNetworks>>) => plan.problems.map((p) => p.message)

  it('takes the only network, or asks for one', async () => {
    const ctx = await testCtx(cloud.deps)
    expect(messages(await planNetworks(ctx, wish()))).toEqual([
      'This project has no network yet. Make a starter network with one click.',
    ])
    const only = await starterNetwork(ctx, { name: 'net' })
    const plan = await planNetworks(ctx, wish({ count: 3, publicIp: true }))
    expect(plan).toMatchObject({
      networks: [{ id: only.id, cidr: '10.0.0.0/24', routed: true }],
      adds: { ports: 3, floatingIps: 3 },
      problems: [],
    })
    await createNetwork(ctx, network())
    expect(messages(await planNetworks(ctx, wish()))).toEqual([
      'There is more than one network. Choose at least one.',
    ])
  })

  it('says why a launch would be refused', async () => {
    const ctx = await testCtx(cloud.deps)
    const other = await testCtx(cloud.deps)
    const island = await createNetwork(ctx, network({ name: 'island', subnet: { cidr: '10.0.0.0/29' } }))
    const empty = await createNetwork(ctx, network({ name: 'empty', subnet: undefined }))
    const foreign = await createNetwork(other, network())
    const group = await createSecurityGroup(other, { name: 'x', description: '' })
    const plan = await planNetworks(
      ctx,
      wish({
        count: 5, // of 10.0.0.0/29, without gateway and DHCP server, guests can have four
        networkIds: [island.id, empty.id, foreign.id],
        securityGroupIds: [group.id],
        publicIp: true,
      }),
    )
    expect(messages(plan)).toEqual([
      'One of the networks does not exist (any more). Choose another.',
      'Network “island” has too few free addresses. Choose another network.',
      'Network “empty” has no subnet, so it has no addresses to give. Add a subnet.',
      'One of the security groups does not exist (any more). Choose another.',
      expect.stringMatching(/^Network “island” has no router with a way out/),
    ])
  })

  it('counts the free addresses while they are given out', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await createNetwork(ctx, network({ subnet: { cidr: '10.0.0.0/29' } }))
    const problems = async (count: number) =>
      messages(await planNetworks(ctx, wish({ count, networkIds: [id] })))
    expect([await problems(4), (await problems(5)).length]).toEqual([[], 1])
    await newPort(ctx, id)
    expect([await problems(3), (await problems(4)).length]).toEqual([[], 1])
  })

  it('tells who could reach the instance', async () => {
    const ctx = await testCtx(cloud.deps)
    await starterNetwork(ctx, { name: 'net' })
    await ensureDefaultSecurityGroup(ctx, ctx.projectId)
    const ssh = async (patch: Partial<Wish>) =>
      (await planNetworks(ctx, wish(patch))).reach.find((hop) => hop.what.includes('22/tcp'))
    expect(await ssh({})).toMatchObject({ ok: false, reason: 'No public IP was asked for.' })
    expect(await ssh({ publicIp: true })).toMatchObject({ ok: false, reason: 'No rule lets SSH in.' })
    expect(await ssh({ publicIp: true, openPresets: ['ssh'] })).toMatchObject({ ok: true, reason: null })
    const web = await createSecurityGroup(ctx, { name: 'web', description: '' })
    await addSecurityGroupRule(ctx, rule(web.id))
    const wanted = { publicIp: true, securityGroupIds: [web.id] }
    expect(await ssh(wanted)).toMatchObject({ ok: true })
    // One host with a link is enough for a plan, because the instance may be placed there.
    const both = [await addPlane(cloud), await addPlane(cloud)].map(({ id }) => id)
    await cloud.deps.root
      .$executeRaw`INSERT INTO "HostBeat" ("hostId") SELECT "id" FROM "Host" ON CONFLICT DO NOTHING`
    const facts = (hostId: object, egress: string) =>
      cloud.deps.root.hostBeat.updateMany({ where: hostId, data: { facts: { egress } } })
    await facts({}, 'off')
    expect(await ssh(wanted)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^This cloud is closed/),
    })
    await facts({ hostId: both[1] }, 'on')
    expect(await ssh(wanted)).toMatchObject({ ok: true })
    await facts({}, 'on')
  })
})
