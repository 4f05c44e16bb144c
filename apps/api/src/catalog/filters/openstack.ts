import { z } from 'zod'
import { projectView } from '../../directory/service.ts'
import { collection, keystoneBase } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { queryText } from '../../openstack/pages.ts'
import { endpointView } from '../openstack/views.ts'
import {
  addEndpoint,
  addGroup,
  checkEndpoint,
  checkGroup,
  endpointsOfProject,
  groupsOfProject,
  projectsOfEndpoint,
  projectsOfGroup,
  removeEndpoint,
  removeGroup,
} from './associations.ts'
import { type EndpointGroupView, endpointGroupInput, endpointGroupUpdateInput } from './contract.ts'
import {
  createEndpointGroup,
  deleteEndpointGroup,
  endpointsOfGroup,
  getEndpointGroup,
  listEndpointGroups,
  updateEndpointGroup,
} from './groups.ts'

/** Source: Keystone api-ref v3, OS-EP-FILTER. */

const below = 'OS-EP-FILTER'
const groups = `/${below}/endpoint_groups`
const projects = `/${below}/projects/:project`
const createBody = z.strictObject({ endpoint_group: endpointGroupInput })
const updateBody = z.strictObject({ endpoint_group: endpointGroupUpdateInput })

const idOf = ({ params }: Call, name = 'id') => params[name] ?? ''
const endpointAt = (call: Call) => ({ projectId: idOf(call, 'project'), endpointId: idOf(call) })
const groupAt = (call: Call) => ({ projectId: idOf(call, 'project'), endpointGroupId: idOf(call) })

const groupOperations: ApiOperation[] = [
  {
    name: 'endpoint_groups.list',
    method: 'GET',
    path: groups,
    summary: 'List endpoint groups',
    status: 200,
    access: 'adminRead',
    filters: { name: 'nothing' },
    handle: async (call) => {
      const items = await listEndpointGroups(call.ctx, { name: queryText(call.query, 'name') })
      return collection(call, `${below}/endpoint_groups`, 'endpoint_groups', { items }, groupView)
    },
  },
  {
    name: 'endpoint_groups.create',
    method: 'POST',
    path: groups,
    summary: 'Make a group of endpoints by what they have in common',
    status: 201,
    access: 'admin',
    handle: async (call) =>
      shown(call, await createEndpointGroup(call.ctx, createBody.parse(call.body).endpoint_group)),
  },
  {
    name: 'endpoint_groups.get',
    method: 'GET',
    path: `${groups}/:id`,
    summary: 'Show an endpoint group',
    status: 200,
    access: 'adminRead',
    handle: async (call) => shown(call, await getEndpointGroup(call.ctx, idOf(call))),
  },
  {
    name: 'endpoint_groups.update',
    method: 'PATCH',
    path: `${groups}/:id`,
    summary: 'Change an endpoint group',
    status: 200,
    access: 'admin',
    handle: async (call) => {
      const change = updateBody.parse(call.body).endpoint_group
      return shown(call, await updateEndpointGroup(call.ctx, idOf(call), change))
    },
  },
  {
    name: 'endpoint_groups.delete',
    method: 'DELETE',
    path: `${groups}/:id`,
    summary: 'Delete an endpoint group with its associations',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await deleteEndpointGroup(call.ctx, idOf(call))
    },
  },
  {
    name: 'endpoint_groups.endpoints',
    method: 'GET',
    path: `${groups}/:id/endpoints`,
    summary: 'List the endpoints of a group',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const items = await endpointsOfGroup(call.ctx, idOf(call))
      const path = `${below}/endpoint_groups/${idOf(call)}/endpoints`
      return collection(call, path, 'endpoints', { items }, endpointView)
    },
  },
  {
    name: 'endpoint_groups.projects.list',
    method: 'GET',
    path: `${groups}/:id/projects`,
    summary: 'List the projects that an endpoint group is for',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const listed = await projectsOfGroup(call.ctx, idOf(call))
      const path = `${below}/endpoint_groups/${idOf(call)}/projects`
      return collection(call, path, 'projects', listed, projectView)
    },
  },
  {
    name: 'endpoint_groups.projects.get',
    method: 'GET',
    path: `${groups}/:id/projects/:project`,
    summary: 'Is an endpoint group for a project?',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      await checkGroup(call.ctx, groupAt(call))
      const { projectId: project_id, endpointGroupId: endpoint_group_id } = groupAt(call)
      const self = `${keystoneBase(call)}${groups}/${endpoint_group_id}/projects/${project_id}`
      return { project_endpoint_group: { endpoint_group_id, project_id, links: { self } } }
    },
  },
  {
    name: 'endpoint_groups.projects.add',
    method: 'PUT',
    path: `${groups}/:id/projects/:project`,
    summary: 'Show a project the endpoints of a group, and no others',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await addGroup(call.ctx, groupAt(call))
    },
  },
  {
    name: 'endpoint_groups.projects.remove',
    method: 'DELETE',
    path: `${groups}/:id/projects/:project`,
    summary: 'Take an endpoint group from a project',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await removeGroup(call.ctx, groupAt(call))
    },
  },
]

export const filterOperations: ApiOperation[] = [
  ...groupOperations,
  {
    name: 'project_endpoint_groups.list',
    method: 'GET',
    path: `${projects}/endpoint_groups`,
    summary: 'List the endpoint groups of a project',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const items = await groupsOfProject(call.ctx, idOf(call, 'project'))
      const path = `${below}/projects/${idOf(call, 'project')}/endpoint_groups`
      return collection(call, path, 'endpoint_groups', { items }, groupView)
    },
  },
  {
    name: 'project_endpoints.list',
    method: 'GET',
    path: `${projects}/endpoints`,
    summary: 'List the endpoints that a project is associated with, also by groups',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const items = await endpointsOfProject(call.ctx, idOf(call, 'project'))
      const path = `${below}/projects/${idOf(call, 'project')}/endpoints`
      return collection(call, path, 'endpoints', { items }, endpointView)
    },
  },
  {
    name: 'project_endpoints.get',
    method: 'GET',
    path: `${projects}/endpoints/:id`,
    summary: 'Is a project associated with an endpoint?',
    status: 204,
    access: 'adminRead',
    handle: async (call) => {
      await checkEndpoint(call.ctx, endpointAt(call))
    },
  },
  {
    name: 'project_endpoints.add',
    method: 'PUT',
    path: `${projects}/endpoints/:id`,
    summary: 'Show a project an endpoint, and none that it is not associated with',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await addEndpoint(call.ctx, endpointAt(call))
    },
  },
  {
    name: 'project_endpoints.remove',
    method: 'DELETE',
    path: `${projects}/endpoints/:id`,
    summary: 'Take an endpoint from a project',
    status: 204,
    access: 'admin',
    handle: async (call) => {
      await removeEndpoint(call.ctx, endpointAt(call))
    },
  },
  {
    name: 'endpoint_projects.list',
    method: 'GET',
    path: `/${below}/endpoints/:id/projects`,
    summary: 'List the projects that are associated with an endpoint',
    status: 200,
    access: 'adminRead',
    handle: async (call) => {
      const listed = await projectsOfEndpoint(call.ctx, idOf(call))
      return collection(call, `${below}/endpoints/${idOf(call)}/projects`, 'projects', listed, projectView)
    },
  },
]

const groupView = (base: string, { id, name, description, filters }: EndpointGroupView) => ({
  id,
  name,
  description,
  filters,
  links: { self: `${base}${groups}/${id}` },
})
const shown = (call: Call, group: EndpointGroupView) => ({
  endpoint_group: groupView(keystoneBase(call), group),
})
