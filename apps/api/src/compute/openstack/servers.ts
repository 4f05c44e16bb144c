import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { At } from '../../openstack/fields.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { nextLink } from '../../openstack/pages.ts'
import { inner, objectAt } from '../../openstack/schema.ts'
import { deleteInstance, updateInstance } from '../instances/actions.ts'
import { getServer, listServers } from '../instances/server-list.ts'
import type { ShownServer } from '../instances/shown-server.ts'
import { description, name } from './body.ts'
import { at } from './fields.ts'
import { createServer } from './server-create.ts'
import { adminServerFilters, listQuery, serverFilters } from './server-filters.ts'
import { addressesOf, serverBrief, serverDetail, serverFull, serverUpdated } from './server-views.ts'

async function list(
  call: Call,
  withNeighbours: boolean,
  view: (server: ShownServer, at: At) => object,
): Promise<object> {
  const query = listQuery(call)
  const { servers, more } = query
    ? await listServers(call.ctx, query, withNeighbours)
    : await listServers(call.ctx, { wished: [], limit: 0 }, false)
  const last = servers.at(-1)
  return {
    servers: servers.map((server) => view(server, at(call))),
    ...(more && last
      ? {
          servers_links: [
            { rel: 'next', href: nextLink(call.deps.config.publicUrl, call.request.url, last.row.id) },
          ],
        }
      : {}),
  }
}

const id = (call: Call) => ({ id: call.params.server_id ?? '' })
const change = (minor: number) =>
  objectAt(minor, {
    name: name.optional(),
    'OS-DCF:diskConfig': z.enum(['AUTO', 'MANUAL']).optional(),
    accessIPv4: z.union([z.ipv4(), z.literal('')]).optional(),
    accessIPv6: z.union([z.ipv6(), z.literal('')]).optional(),
    description: { schema: description.optional(), since: 19 },
  }) as z.ZodType<{
    name?: string
    'OS-DCF:diskConfig'?: 'AUTO' | 'MANUAL'
    accessIPv4?: string
    accessIPv6?: string
    description?: string | null
  }>

async function update(call: Call): Promise<object> {
  const wish = inner(call, 'server', change(call.minor))
  const server = id(call)
  await updateInstance(call.ctx, {
    ...server,
    ...(wish.name === undefined ? {} : { name: wish.name }),
    ...(wish.description === undefined ? {} : { description: wish.description ?? '' }),
    ...(wish.accessIPv4 === undefined ? {} : { accessIpv4: wish.accessIPv4 }),
    ...(wish.accessIPv6 === undefined ? {} : { accessIpv6: wish.accessIPv6 }),
    ...(wish['OS-DCF:diskConfig'] === undefined ? {} : { diskConfig: wish['OS-DCF:diskConfig'] }),
  })
  return { server: serverUpdated(await getServer(call.ctx, server), at(call)) }
}

const item = { path: '/servers/:server_id' }
const listDeviation =
  'Statuses that no instance of this cloud can have (RESIZE, SHELVED, …) find nothing. Filters compare whole values where Nova takes expressions, but for name, ip and ip6; project_id counts also without all_tenants. deleted=True (administrators) lists deleted servers, last deleted first, by what is kept of them; with changes-since they come before those that are there.'

export const serverOperations: ApiOperation[] = [
  {
    name: 'servers.list',
    method: 'GET',
    path: '/servers',
    summary: 'List servers',
    status: 200,
    access: 'list',
    filters: serverFilters,
    adminFilters: adminServerFilters,
    deviation: listDeviation,
    handle: (call) => list(call, false, serverBrief),
  },
  {
    name: 'servers.detail',
    method: 'GET',
    path: '/servers/detail',
    summary: 'List servers with details',
    status: 200,
    access: 'list',
    filters: serverFilters,
    adminFilters: adminServerFilters,
    deviation: listDeviation,
    handle: (call) => list(call, true, serverDetail),
  },
  {
    name: 'servers.create',
    method: 'POST',
    path: '/servers',
    summary: 'Create one or several servers',
    status: 202,
    access: 'create',
    deviation:
      'No personality and device tags: each is a 400 that says so. Ephemeral disks are formatted as ext4, or as guest_format says (ext2, ext3, ext4; any other is a 400), and empty for images with os_type=windows. Of the boot indexes only 0 counts, and every disk is on virtio. Without networks (before 2.37) and with auto the project’s only network is used; auto in a project without any is a 400. adminPass reaches the guest on its config drive alone. At most 50 at once.',
    handle: createServer,
  },
  {
    ...item,
    name: 'servers.get',
    method: 'GET',
    summary: 'Show a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ server: serverFull(await getServer(call.ctx, id(call)), at(call)) }),
  },
  {
    ...item,
    name: 'servers.update',
    method: 'PUT',
    summary: 'Change name, description and shown addresses of a server',
    status: 200,
    access: 'write',
    handle: update,
  },
  {
    ...item,
    name: 'servers.delete',
    method: 'DELETE',
    summary: 'Delete a server',
    status: 204,
    access: 'write',
    handle: async (call) => void (await deleteInstance(call.ctx, id(call))),
  },
  {
    name: 'servers.ips.list',
    method: 'GET',
    path: '/servers/:server_id/ips',
    summary: 'List the addresses of a server',
    status: 200,
    access: 'read',
    handle: async (call) => ({ addresses: addressesOf(await getServer(call.ctx, id(call))) }),
  },
  {
    name: 'servers.ips.get',
    method: 'GET',
    path: '/servers/:server_id/ips/:label',
    names: ['label'],
    summary: 'Show the addresses of a server on one network',
    status: 200,
    access: 'read',
    handle: async (call) => {
      const all = addressesOf(await getServer(call.ctx, id(call)))
      const label = call.params.label ?? ''
      if (!Object.hasOwn(all, label))
        throw new HttpError(404, 'Instance is not a member of specified network')
      return { [label]: all[label] }
    },
  },
]
