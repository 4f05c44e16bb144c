import { z } from 'zod'
import type { Ctx } from '../../kernel/context.ts'
import { notFound } from '../../kernel/errors.ts'
import { idOf, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { tagInput, tagsInput } from '../contract.ts'
import { changeDomainTags, updateDomain } from '../projects/domains.ts'
import { addProjectTag, removeProjectTag, updateProject } from '../projects/service.ts'
import { projectOrDomain } from './domain-projects.ts'

const tagsBody = z.object({ tags: tagsInput })
const path = '/projects/:id/tags'
const listed = (call: Call, tags: string[]) => ({
  links: { self: `${keystoneBase(call)}/projects/${idOf(call.params)}/tags` },
  tags,
})

export const projectTagOperations: ApiOperation[] = [
  {
    name: 'projects.tags.list',
    method: 'GET',
    path,
    summary: 'List the tags of a project',
    status: 200,
    access: 'ofProject',
    handle: async (call) => listed(call, await tagsOf(call.ctx, idOf(call.params))),
  },
  {
    name: 'projects.tags.replace',
    method: 'PUT',
    path,
    summary: 'Replace the tags of a project',
    status: 200,
    access: 'ofProjectWrite',
    handle: async (call) => {
      const { tags } = tagsBody.parse(call.body)
      return listed(call, await replaceTags(call.ctx, idOf(call.params), tags))
    },
  },
  {
    name: 'projects.tags.clear',
    method: 'DELETE',
    path,
    summary: 'Remove every tag of a project',
    status: 204,
    access: 'ofProjectWrite',
    handle: async ({ ctx, params }) => {
      await replaceTags(ctx, idOf(params), [])
    },
  },
  {
    name: 'projects.tags.get',
    method: 'GET',
    path: `${path}/:tag`,
    names: ['tag'],
    summary: 'Does the project have the tag?',
    status: 204,
    access: 'ofProject',
    handle: async ({ ctx, params }) => {
      const tags = await tagsOf(ctx, idOf(params))
      const tag = idOf(params, 'tag')
      if (!tags.includes(tag)) throw notFound('tag', tag)
    },
  },
  {
    name: 'projects.tags.add',
    method: 'PUT',
    path: `${path}/:tag`,
    names: ['tag'],
    summary: 'Add a tag to a project',
    status: 201,
    access: 'ofProjectWrite',
    handle: async (call) => {
      const tag = tagInput.parse(idOf(call.params, 'tag'))
      const id = idOf(call.params)
      const { domain } = await projectOrDomain(call.ctx, id)
      if (domain) await changeDomainTags(call.ctx, id, (tags) => (tags.includes(tag) ? tags : [...tags, tag]))
      else await addProjectTag(call.ctx, { id, tag })
      call.reply.header('Location', `${keystoneBase(call)}/projects/${id}/tags/${encodeURIComponent(tag)}`)
    },
  },
  {
    name: 'projects.tags.remove',
    method: 'DELETE',
    path: `${path}/:tag`,
    names: ['tag'],
    summary: 'Remove a tag from a project',
    status: 204,
    access: 'ofProjectWrite',
    handle: async ({ ctx, params }) => {
      const id = idOf(params)
      const tag = idOf(params, 'tag')
      const { domain } = await projectOrDomain(ctx, id)
      if (!domain) return removeProjectTag(ctx, { id, tag })
      await changeDomainTags(ctx, id, (tags) => {
        if (!tags.includes(tag)) throw notFound('tag', tag)
        return tags.filter((one) => one !== tag)
      })
    },
  },
]

async function tagsOf(ctx: Ctx, id: string): Promise<string[]> {
  const { project, domain } = await projectOrDomain(ctx, id)
  return (project ?? domain).tags
}

async function replaceTags(ctx: Ctx, id: string, tags: string[]): Promise<string[]> {
  const { domain } = await projectOrDomain(ctx, id)
  return (domain ? await updateDomain(ctx, { id, tags }) : await updateProject(ctx, { id, tags })).tags
}
