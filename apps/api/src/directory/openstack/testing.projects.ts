import type { Example, Examples, Tenant } from '../../openstack/testing.ts'
import { aDisabledDomain, aProject, fresh, none } from './testing.shared.ts'

const own = ({ projectId }: Tenant) => ({ id: projectId })
const newOne = async (tenant: Tenant) => ({ id: (await aProject(tenant)).id })
/** The same request about things of the other tenant. */
const of = (body?: unknown, more: Record<string, string> = {}) => ({
  foreign: (_tenant: Tenant, other: Tenant) => [{ params: { id: other.projectId, ...more }, body }],
})

export const projectExamples: Examples = {
  'auth.projects': none,
  'auth.domains': none,
  'auth.system': none,
  'domains.list': none,
  'domains.get': { make: ({ domainId }) => ({ params: { id: domainId } }) },
  'domains.create': { make: () => ({ body: { domain: { name: fresh('domain'), description: null } } }) },
  'domains.update': {
    make: ({ domainId }) => ({ params: { id: domainId }, body: { domain: { description: 'day' } } }),
    foreign: (_tenant, other) => [{ params: { id: other.domainId }, body: { domain: { enabled: false } } }],
  },
  'domains.delete': {
    make: async (tenant) => ({ params: { id: (await aDisabledDomain(tenant)).id } }),
    foreign: (_tenant, other) => [{ params: { id: other.domainId } }],
  },
  'projects.list': {
    make: () => ({ query: { enabled: 'true', name__icontains: 'PROJECT', 'not-tags-any': 'red,green' } }),
    foreign: (_tenant, other): Example[] => [
      { query: { domain_id: other.domainId } },
      { query: { parent_id: other.projectId } },
    ],
  },
  'projects.get': {
    make: (tenant) => ({ params: own(tenant), query: { parents_as_ids: '', subtree_as_list: '' } }),
    foreign: (_tenant, other) => [{ params: { id: other.projectId } }],
  },
  'projects.create': {
    make: ({ domainId }) => ({
      body: {
        project: {
          name: fresh('project'),
          domain_id: domainId,
          description: 'x',
          enabled: true,
          is_domain: false,
          tags: ['blue'],
          options: {},
          colour: 'green',
        },
      },
    }),
    foreign: (_tenant, other) => [
      { body: { project: { name: fresh('project'), domain_id: other.domainId } } },
      { body: { project: { name: fresh('project'), parent_id: other.projectId } } },
    ],
  },
  'projects.update': {
    make: (tenant) => ({ params: own(tenant), body: { project: { description: 'ours', colour: null } } }),
    ...of({ project: { enabled: false } }),
  },
  'projects.delete': { make: async (tenant) => ({ params: await newOne(tenant) }), ...of() },
  'projects.tags.list': { make: (tenant) => ({ params: own(tenant) }), ...of() },
  'projects.tags.replace': {
    make: (tenant) => ({ params: own(tenant), body: { tags: ['blue', 'green'] } }),
    ...of({ tags: [] }),
  },
  'projects.tags.clear': { make: (tenant) => ({ params: own(tenant) }), ...of() },
  'projects.tags.get': {
    // Members and strangers ask about their own project, so its tag is set first.
    make: async (tenant) => {
      await tenant.deps.root.project.update({
        where: { id: tenant.projectId },
        data: { tags: ['blue'] },
      })
      return { params: { ...own(tenant), tag: 'blue' } }
    },
    ...of(undefined, { tag: 'blue' }),
  },
  'projects.tags.add': {
    make: (tenant) => ({ params: { ...own(tenant), tag: 'green' } }),
    ...of(undefined, { tag: 'green' }),
  },
  'projects.tags.remove': {
    make: async (tenant) => {
      await tenant.deps.root.project.update({
        where: { id: tenant.projectId },
        data: { tags: ['blue'] },
      })
      return { params: { ...own(tenant), tag: 'blue' } }
    },
    ...of(undefined, { tag: 'blue' }),
  },
}
