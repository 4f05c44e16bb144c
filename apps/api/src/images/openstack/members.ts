import { z } from 'zod'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { memberStatuses } from '../contract.ts'
import { addMember, getMember, listMembers, removeMember, setMemberStatus } from '../service.ts'
import { idOf } from './answers.ts'
import { memberView } from './views.ts'

const member = z.object({
  member: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'member must be the id of a project.'),
})
const status = z.object({ status: z.enum(memberStatuses) })

const keyOf = (call: Call) => ({ imageId: idOf(call), projectId: call.params.member_id ?? '' })

/** Operations on the projects that an image is shared with. */
export const memberOperations: ApiOperation[] = [
  {
    name: 'images.members.list',
    method: 'GET',
    path: '/images/:id/members',
    summary: 'List the members of an image',
    status: 200,
    access: 'read',
    handle: async (call) => ({
      members: (await listMembers(call.ctx, { imageId: idOf(call) })).map(memberView),
      schema: '/v2/schemas/members',
    }),
  },
  {
    name: 'images.members.create',
    method: 'POST',
    path: '/images/:id/members',
    summary: 'Share an image with a project',
    status: 200,
    access: 'write',
    handle: async (call) => {
      const { member: projectId } = member.parse(call.body)
      return memberView(await addMember(call.ctx, { imageId: idOf(call), projectId }))
    },
  },
  {
    name: 'images.members.get',
    method: 'GET',
    path: '/images/:id/members/:member_id',
    summary: 'Show a member of an image',
    status: 200,
    access: 'read',
    names: ['member_id'],
    handle: async (call) => memberView(await getMember(call.ctx, keyOf(call))),
  },
  {
    name: 'images.members.update',
    method: 'PUT',
    path: '/images/:id/members/:member_id',
    summary: 'Accept or reject an image that is shared with the project',
    status: 200,
    access: 'write',
    names: ['member_id'],
    handle: async (call) =>
      memberView(await setMemberStatus(call.ctx, { ...keyOf(call), ...status.parse(call.body) })),
  },
  {
    name: 'images.members.delete',
    method: 'DELETE',
    path: '/images/:id/members/:member_id',
    summary: 'Share an image with a project no longer',
    status: 204,
    access: 'write',
    names: ['member_id'],
    handle: (call) => removeMember(call.ctx, keyOf(call)),
  },
]
