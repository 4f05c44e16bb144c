import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCloudError, runPending, testCtx } from '../../kernel/testing.ts'
import { createNetwork } from '../networks/service.ts'
import { updatePort } from '../ports/change.ts'
import {
  addPlane,
  type Cloud,
  eventsOf,
  network,
  newPort,
  page,
  rule,
  setQuota,
  type Tenant,
  testCloud,
  usage,
} from '../testing.ts'
import {
  addSecurityGroupRule,
  createSecurityGroup,
  deleteSecurityGroup,
  ensureDefaultSecurityGroup,
  ensurePresetGroup,
  getSecurityGroup,
  listSecurityGroups,
  removeSecurityGroupRule,
  updateSecurityGroup,
} from './service.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await testCloud()
})
afterAll(() => cloud.close())

const group = (ctx: Tenant, name = 'web') => createSecurityGroup(ctx, { name, description: '' })
const ingress = (rules: readonly { direction: string }[]) => rules.filter((r) => r.direction === 'ingress')

describe('a group', () => {
  it('lets everything out and nothing in, is renamed, and is deleted with its quota (A08.4)', async () => {
    const ctx = await testCtx(cloud.deps)
    const made = await group(ctx)
    expect(made).toMatchObject({ name: 'web', isDefault: false, usedBy: [] })
    expect(made.rules.map((r) => [r.direction, r.ethertype, r.protocol])).toEqual([
      ['egress', 'IPv4', null],
      ['egress', 'IPv6', null],
    ])
    expect(await usage(cloud, ctx.projectId)).toEqual({ securityGroups: 1, securityGroupRules: 2 })
    expect(await updateSecurityGroup(ctx, { id: made.id, name: 'www' })).toMatchObject({ name: 'www' })
    expect((await listSecurityGroups(ctx, page({ search: 'WW' }))).items.map((g) => g.id)).toEqual([made.id])
    await deleteSecurityGroup(ctx, { id: made.id })
    await expectCloudError(getSecurityGroup(ctx, { id: made.id }), 'not_found')
    expect(await eventsOf(cloud, made.id)).toEqual([
      'securityGroup.created',
      'securityGroup.updated',
      'securityGroup.deleted',
    ])
    expect((await usage(cloud, ctx.projectId)).securityGroups).toBe(1) // The list has made the default group.
  })

  it('named default exists once, lets its members reach each other, and cannot be deleted', async () => {
    const ctx = await testCtx(cloud.deps)
    const ids = await Promise.all(
      Array.from({ length: 5 }, () => ensureDefaultSecurityGroup(ctx, ctx.projectId)),
    )
    expect(new Set(ids).size).toBe(1)
    const id = ids[0] ?? ''
    const { rules } = await getSecurityGroup(ctx, { id })
    expect(ingress(rules)).toMatchObject([{ remoteGroup: { id } }, { remoteGroup: { id } }])
    await expectCloudError(deleteSecurityGroup(ctx, { id }), 'conflict', /default group of a project stays/)
    await expectCloudError(updateSecurityGroup(ctx, { id, name: 'x' }), 'conflict', /keeps its name/)
    expect(await updateSecurityGroup(ctx, { id, description: 'ours' })).toMatchObject({ description: 'ours' })
  })

  it('is not deleted while a port is in it, or at the moment when a port joins', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id: networkId } = await createNetwork(ctx, network())
    const { id } = await group(ctx)
    const portId = await newPort(ctx, networkId, { groups: [id] })
    await expectCloudError(deleteSecurityGroup(ctx, { id }), 'conflict', /1 port uses .* Take it off/)
    await updatePort(ctx, { id: portId, securityGroupIds: [] })
    const outcomes = await Promise.allSettled([
      deleteSecurityGroup(ctx, { id }),
      updatePort(ctx, { id: portId, securityGroupIds: [id] }),
    ])
    expect(outcomes.map((o) => o.status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const o of outcomes)
      if (o.status === 'rejected') expect(['conflict', 'not_found']).toContain(o.reason.code)
  })

  it('of presets is made once for each combination', async () => {
    const ctx = await testCtx(cloud.deps)
    const both = await Promise.all([
      ensurePresetGroup(ctx, ctx.projectId, ['ssh', 'ping']),
      ensurePresetGroup(ctx, ctx.projectId, ['ping', 'ssh']),
    ])
    expect(both[0]).toBe(both[1])
    const { name, rules } = await getSecurityGroup(ctx, { id: both[0] ?? '' })
    expect(name).toBe('open-ssh-ping')
    expect(rules.flatMap((r) => (r.direction === 'ingress' ? [[r.protocol, r.portMin]] : [])).sort()).toEqual(
      [
        ['icmp', null],
        ['tcp', 22],
      ],
    )
    expect(await ensurePresetGroup(ctx, ctx.projectId, ['nonsense'])).toBeNull()
  })
})

describe('rules', () => {
  it('are added, seen, and removed', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await group(ctx)
    const { rules } = await addSecurityGroupRule(ctx, rule(id, { description: 'ssh' }))
    const [added] = ingress(rules) as typeof rules
    expect(added).toMatchObject({ protocol: 'tcp', portMin: 22, portMax: 22, remoteCidr: null })
    const after = await removeSecurityGroupRule(ctx, { id: added?.id ?? '' })
    expect(ingress(after.rules)).toEqual([])
    await expectCloudError(removeSecurityGroupRule(ctx, { id: added?.id ?? '' }), 'not_found')
    expect((await usage(cloud, ctx.projectId)).securityGroupRules).toBe(2)
  })

  it.each<[string, object, object]>([
    ['TCP', { protocol: 'TCP', portMin: 22 }, { protocol: '6', portMin: 22, portMax: 22 }],
    ['the whole world', { remoteCidr: '0.0.0.0/0' }, {}],
    ['one address', { remoteCidr: '10.0.0.7' }, { remoteCidr: '10.0.0.7/32' }],
    ['any', { protocol: 'any', portMin: null }, { protocol: null, portMin: null }],
  ])('that say the same in other words are duplicates: %s (A08.1)', async (_what, one, other) => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await group(ctx)
    await addSecurityGroupRule(ctx, rule(id, one))
    const error = await expectCloudError(addSecurityGroupRule(ctx, rule(id, other)), 'already_exists')
    expect(error.message).toMatch(/has this rule already/)
    expect((await usage(cloud, ctx.projectId)).securityGroupRules).toBe(3)
  })

  it('are made once by concurrent callers, and never beyond the quota (A21)', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id } = await group(ctx)
    const same = await Promise.allSettled(
      Array.from({ length: 5 }, () => addSecurityGroupRule(ctx, rule(id))),
    )
    expect(same.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
    await setQuota(cloud, ctx.projectId, 'securityGroupRules', 5)
    const many = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => addSecurityGroupRule(ctx, rule(id, { portMin: 100 + i }))),
    )
    expect(many.filter((o) => o.status === 'fulfilled')).toHaveLength(2)
    for (const o of many)
      if (o.status === 'rejected') expect(o.reason).toMatchObject({ code: 'quota_exceeded' })
  })

  it('that name a group bring its members to the host, and follow them as they join and leave', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id: networkId } = await createNetwork(ctx, network())
    const [a, b] = [await addPlane(cloud), await addPlane(cloud)]
    const friends = await group(ctx, 'friends')
    const web = await group(ctx)
    const server = await newPort(ctx, networkId, { hostId: a.id, groups: [web.id] })
    await addSecurityGroupRule(ctx, rule(web.id, { remoteGroupId: friends.id }))
    await runPending(cloud.deps)
    expect(a.plane.state.ports.get(server)?.rules).toContainEqual(
      expect.objectContaining({ protocol: 6, remote: { addressSet: friends.id } }),
    )
    const members = () => a.plane.state.sets.get(friends.id)?.addresses
    expect(members()).toEqual([])
    const guest = await newPort(ctx, networkId, { hostId: b.id, groups: [web.id] })
    await updatePort(ctx, { id: guest, securityGroupIds: [friends.id] })
    await runPending(cloud.deps)
    const row = await cloud.deps.root.portAddress.findFirst({ where: { portId: guest } })
    expect(members()).toEqual([row?.address])
    await updatePort(ctx, { id: guest, securityGroupIds: [] })
    await runPending(cloud.deps)
    expect(members()).toEqual([])
  })

  it('of other groups are deleted with the group that they name, at the host too', async () => {
    const ctx = await testCtx(cloud.deps)
    const { id: networkId } = await createNetwork(ctx, network())
    const { id: hostId, plane } = await addPlane(cloud)
    const [web, friends] = [await group(ctx), await group(ctx, 'friends')]
    const server = await newPort(ctx, networkId, { hostId, groups: [web.id] })
    await addSecurityGroupRule(ctx, rule(web.id, { remoteGroupId: friends.id }))
    await deleteSecurityGroup(ctx, { id: friends.id })
    await runPending(cloud.deps)
    const rules = plane.state.ports.get(server)?.rules ?? []
    expect(rules.map((r) => r.direction)).toEqual(['egress', 'egress'])
    expect(await usage(cloud, ctx.projectId)).toMatchObject({ securityGroups: 1, securityGroupRules: 2 })
  })
})

describe('authorization of security groups', () => {
  it("treats another project's group and rule as ones that do not exist (R2)", async () => {
    const ctx = await testCtx(cloud.deps)
    const other = await testCtx(cloud.deps)
    const { id } = await group(ctx)
    const { rules } = await addSecurityGroupRule(ctx, rule(id))
    const own = await group(other)
    const ruleId = rules[0]?.id ?? ''
    for (const refused of [
      () => getSecurityGroup(other, { id }),
      () => updateSecurityGroup(other, { id, name: 'mine' }),
      () => deleteSecurityGroup(other, { id }),
      () => addSecurityGroupRule(other, rule(id, { portMin: 80 })),
      () => removeSecurityGroupRule(other, { id: ruleId }),
      () => addSecurityGroupRule(other, rule(own.id, { remoteGroupId: id })),
    ])
      await expectCloudError(refused(), 'not_found')
    const error = await expectCloudError(removeSecurityGroupRule(other, { id: ruleId }), 'not_found')
    const none = crypto.randomUUID()
    const unknown = await expectCloudError(removeSecurityGroupRule(other, { id: none }), 'not_found')
    expect(error.message.replace(ruleId, '')).toBe(unknown.message.replace(none, ''))
    expect((await listSecurityGroups(other, page())).items.some((g) => g.id === id)).toBe(false)
    const reader = await testCtx(cloud.deps, { role: 'reader', projectId: ctx.projectId })
    expect((await getSecurityGroup(reader, { id })).id).toBe(id)
    await expectCloudError(addSecurityGroupRule(reader, rule(id, { portMin: 80 })), 'forbidden')
    await expectCloudError(deleteSecurityGroup(reader, { id }), 'forbidden')
  })
})
