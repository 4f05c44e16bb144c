import crypto from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '../../kernel/context.ts'
import { expectCloudError, testCtx } from '../../kernel/testing.ts'
import { type ImageVisibility, imageListInput, type MemberStatus } from '../contract.ts'
import {
  addMember,
  changeImage,
  createImage,
  deleteImage,
  downloadImage,
  findBootImage,
  findImages,
  getImage,
  getMember,
  listImages,
  listMembers,
  removeMember,
  setMemberStatus,
  uploadImage,
} from '../service.ts'
import { type ImageWorld, imageWorld } from '../testing.ts'

/** A05.5: which caller may do which action with an image of each visibility, for each status of membership. */
let world: ImageWorld
type Caller = Ctx & { projectId: string }
let owner: Caller
let other: Caller
let admin: Ctx
beforeAll(async () => {
  world = await imageWorld()
  owner = await testCtx(world.deps)
  other = await testCtx(world.deps)
  admin = { ...(await testCtx(world.deps)), roles: new Set(['admin', 'member', 'reader']) }
})
afterAll(() => world.close())

async function image(visibility: ImageVisibility): Promise<string> {
  const { id } = await createImage(visibility === 'public' ? { ...owner, roles: admin.roles } : owner, {
    name: 'disk',
    description: '',
    diskFormat: 'raw',
    visibility,
    minDiskGib: 0,
    minRamMib: 0,
    protected: false,
  })
  await uploadImage(owner, { id, source: Readable.from([crypto.randomBytes(1024).fill(0, 0, 1)]) })
  await world.deps.root.image.update({ where: { id }, data: { state: 'active' } })
  return id
}
const list = { orderBy: [], limit: 1000 }
const listed = async (ctx: Ctx, id: string, filter: object = {}) =>
  (await findImages(ctx, { ...list, ...filter })).images.some((found) => found.id === id)
const reached = async (ctx: Ctx, id: string) =>
  getImage(ctx, { id }).then(
    () => true,
    () => false,
  )

type Case = { visibility: ImageVisibility; member?: MemberStatus; listed: boolean; used: boolean }
const cases: Case[] = [
  { visibility: 'private', listed: false, used: false },
  { visibility: 'private', member: 'accepted', listed: false, used: false },
  { visibility: 'shared', listed: false, used: false },
  { visibility: 'shared', member: 'pending', listed: false, used: true },
  { visibility: 'shared', member: 'rejected', listed: false, used: true },
  { visibility: 'shared', member: 'accepted', listed: true, used: true },
  { visibility: 'community', listed: false, used: true },
  { visibility: 'public', listed: true, used: true },
]

describe('what another project may do with an image', () => {
  test.each(cases)('$visibility, member: $member', async ({ visibility, member, ...wanted }) => {
    const id = await image(member ? 'shared' : visibility)
    if (member) {
      await addMember(owner, { imageId: id, projectId: other.projectId })
      if (member !== 'pending')
        await setMemberStatus(other, { imageId: id, projectId: other.projectId, status: member })
      if (visibility !== 'shared') await changeImage(owner, id, () => ({ visibility }))
    }
    expect({ listed: await listed(other, id), used: await reached(other, id) }).toEqual(wanted)
    expect((await findBootImage(other, id)) !== null).toBe(wanted.used)
    if (wanted.used) expect((await downloadImage(other, { id })).sizeBytes).toBe(1024)
    else await expectCloudError(downloadImage(other, { id }), 'not_found')
    const refused = wanted.used ? 'forbidden' : 'not_found'
    await expectCloudError(
      changeImage(other, id, () => ({ name: 'mine' })),
      refused,
    )
    await expectCloudError(deleteImage(other, { id }), refused)
    await expectCloudError(addMember(other, { imageId: id, projectId: 'third' }), refused)
    expect(await listed(owner, id)).toBe(true)
    expect(await reached(admin, id)).toBe(true)
  })

  test('an image is offered in the portal until it is answered, and only to the new member', async () => {
    const id = await image('shared')
    const offered = async (ctx: Ctx) =>
      (await listImages(ctx, imageListInput.parse({ offered: true }))).items.map((found) => found.id)
    await addMember(owner, { imageId: id, projectId: other.projectId })
    expect(await offered(other)).toContain(id)
    expect(await offered(owner)).not.toContain(id)
    expect(await offered(admin)).not.toContain(id)
    await setMemberStatus(other, { imageId: id, projectId: other.projectId, status: 'rejected' })
    expect(await offered(other)).not.toContain(id)
  })

  test('lists can be filtered by visibility and by the status of the membership', async () => {
    const [pending, accepted, community] = [
      await image('shared'),
      await image('shared'),
      await image('community'),
    ]
    for (const imageId of [pending, accepted]) await addMember(owner, { imageId, projectId: other.projectId })
    await setMemberStatus(other, { imageId: accepted, projectId: other.projectId, status: 'accepted' })
    const shared = { visibility: 'shared' }
    expect(await listed(other, accepted, shared)).toBe(true)
    expect(await listed(other, pending, shared)).toBe(false)
    expect(await listed(other, pending, { ...shared, memberStatus: 'pending' })).toBe(true)
    expect(await listed(other, accepted, { ...shared, memberStatus: 'pending' })).toBe(false)
    expect(await listed(other, pending, { ...shared, memberStatus: 'all' })).toBe(true)
    expect(await listed(other, community, { visibility: 'community' })).toBe(true)
    expect(await listed(other, community, { visibility: 'all' })).toBe(true)
    expect(await listed(admin, pending)).toBe(true)
  })
})

describe('members', () => {
  test('the owner sees all members, a member only itself; each changes only its own side', async () => {
    const third = await testCtx(world.deps)
    const imageId = await image('shared')
    for (const { projectId } of [other, third]) await addMember(owner, { imageId, projectId })
    const names = async (ctx: Ctx) => (await listMembers(ctx, { imageId })).map((m) => m.projectId).sort()
    expect(await names(owner)).toEqual([other.projectId, third.projectId].sort())
    expect(await names(other)).toEqual([other.projectId])
    const theirs = { imageId, projectId: third.projectId }
    await expectCloudError(getMember(other, theirs), 'not_found')
    await expectCloudError(setMemberStatus(other, { ...theirs, status: 'accepted' }), 'not_found')
    await expectCloudError(setMemberStatus(owner, { ...theirs, status: 'accepted' }), 'forbidden')
    await expectCloudError(removeMember(other, theirs), 'forbidden')
    await expectCloudError(addMember(owner, theirs), 'conflict')
    await removeMember(owner, theirs)
    expect(await reached(third, imageId)).toBe(false)
    await expectCloudError(removeMember(owner, theirs), 'not_found')
  })
  test('only shared images have members, and their number is limited', async () => {
    for (const visibility of ['private', 'community', 'public'] as const) {
      const imageId = await image(visibility)
      await expectCloudError(addMember(owner, { imageId, projectId: 'x' }), 'forbidden')
      await expectCloudError(listMembers(owner, { imageId }), 'forbidden')
    }
    const imageId = await image('shared')
    await world.deps.root.imageMember.createMany({
      data: Array.from({ length: 128 }, (_, i) => ({ imageId, projectId: `p${i}` })),
    })
    await expectCloudError(addMember(owner, { imageId, projectId: 'one-more' }), 'quota_exceeded')
  })
  test('only administrators publish an image', async () => {
    const id = await image('shared')
    await expectCloudError(
      changeImage(owner, id, () => ({ visibility: 'public' })),
      'forbidden',
    )
    expect((await changeImage(owner, id, () => ({ visibility: 'community' }))).visibility).toBe('community')
  })
})
