import { allServices, endpointsOf, serviceId } from '../../openstack/services.ts'
import type { Examples, Tenant } from '../../openstack/testing.ts'
import { addEndpoint, addGroup } from './associations.ts'
import { createEndpointGroup } from './groups.ts'

const ownService = () => allServices().map(serviceId)[0] ?? ''
const wish = () => ({
  name: `group ${crypto.randomUUID().slice(0, 8)}`,
  description: 'public ones',
  filters: { interface: 'public' as const, service_id: ownService() },
})
const aGroup = async ({ admin }: Tenant) => (await createEndpointGroup(admin, wish())).id
const anEndpoint = ({ deps }: Tenant) =>
  allServices().flatMap((service) => endpointsOf(deps.config, service, 'template'))[0]?.id ?? ''
const ofGroup = { make: async (tenant: Tenant) => ({ params: { id: await aGroup(tenant) } }) }

async function aGroupOfProject(tenant: Tenant): Promise<{ id: string; project: string }> {
  const { projectId } = tenant
  const id = await aGroup(tenant)
  await addGroup(tenant.admin, { projectId, endpointGroupId: id })
  return { id, project: projectId }
}
async function anEndpointOfProject(tenant: Tenant): Promise<{ id: string; project: string }> {
  const [id, { projectId }] = [anEndpoint(tenant), tenant]
  await tenant.deps.root.projectEndpoint.deleteMany({ where: { projectId } })
  await addEndpoint(tenant.admin, { projectId, endpointId: id })
  return { id, project: projectId }
}

export const filterExamples: Examples = {
  'endpoint_groups.list': { make: () => ({}) },
  'endpoint_groups.create': { make: () => ({ body: { endpoint_group: wish() } }) },
  'endpoint_groups.get': ofGroup,
  'endpoint_groups.update': {
    make: async (tenant) => ({
      params: { id: await aGroup(tenant) },
      body: { endpoint_group: { description: null, filters: { region_id: tenant.deps.config.region } } },
    }),
  },
  'endpoint_groups.delete': ofGroup,
  'endpoint_groups.endpoints': ofGroup,
  'endpoint_groups.projects.list': ofGroup,
  'endpoint_groups.projects.get': { make: async (tenant) => ({ params: await aGroupOfProject(tenant) }) },
  'endpoint_groups.projects.add': {
    make: async (tenant) => ({ params: { id: await aGroup(tenant), project: tenant.projectId } }),
  },
  'endpoint_groups.projects.remove': { make: async (tenant) => ({ params: await aGroupOfProject(tenant) }) },
  'project_endpoint_groups.list': { make: ({ projectId }) => ({ params: { project: projectId } }) },
  'project_endpoints.list': { make: ({ projectId }) => ({ params: { project: projectId } }) },
  'project_endpoints.get': { make: async (tenant) => ({ params: await anEndpointOfProject(tenant) }) },
  'project_endpoints.add': {
    make: async (tenant) => {
      const params = await anEndpointOfProject(tenant)
      await tenant.deps.root.projectEndpoint.deleteMany({ where: { projectId: params.project } })
      return { params }
    },
  },
  'project_endpoints.remove': { make: async (tenant) => ({ params: await anEndpointOfProject(tenant) }) },
  'endpoint_projects.list': { make: (tenant) => ({ params: { id: anEndpoint(tenant) } }) },
}
