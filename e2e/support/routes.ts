import fs from 'node:fs'
import path from 'node:path'
import type { Api } from './cloud.ts'
import { until } from './cloud.ts'

const app = path.resolve(import.meta.dirname, '../../apps/web/src/app')

/** The addresses of all pages below a place, read from the tree of the portal; a part such as `[id]` is still to be filled in. */
export const routes = (): string[] =>
  fs
    .globSync('[[]place]/**/page.tsx', { cwd: app })
    .map((file) => `/${path.dirname(file).split('/').slice(1).join('/')}`)
    .toSorted()

/** Makes one thing of each kind in the caller's project. Returns the addresses of the things' pages by their routes. */
export async function thingsOf(api: Api, tag: string) {
  const { networking, compute, directory, images, volumes } = api
  const network = await networking.networks.create.mutate({
    name: `routes-${tag}`,
    subnet: { cidr: '10.77.0.0/24' },
  })
  const [port, router, group, serverGroup, people, volume] = await Promise.all([
    networking.ports.create.mutate({ networkId: network.id, name: `routes-${tag}` }),
    networking.routers.create.mutate({ name: `routes-${tag}` }),
    networking.securityGroups.create.mutate({ name: `routes-${tag}` }),
    compute.serverGroups.create.mutate({ name: `routes-${tag}`, policy: 'soft-anti-affinity' }),
    directory.groups.create.mutate({ name: `routes-${tag}` }),
    volumes.create.mutate({ name: `routes-${tag}`, sizeGib: 1 }),
    compute.keyPairs.create.mutate({ name: `routes-${tag}` }),
  ])
  const first = async (list: Promise<{ items: { id: string }[] }>) => (await list).items[0]?.id ?? ''
  const image = await first(images.list.query({ search: 'Tiny test image' }))
  const { instances } = await compute.instances.launch.mutate({
    ...{ name: `routes-${tag}`, imageId: image, flavorId: '1', networkIds: [network.id] },
  })
  const instance = instances[0]?.id ?? ''
  await until('a volume', 60_000, async () => {
    return (await volumes.get.query({ id: volume.id })).state === 'available'
  })
  const snapshot = await volumes.snapshots.create.mutate({ volumeId: volume.id, name: `routes-${tag}` })
  await until('a snapshot', 60_000, async () => {
    return (await volumes.snapshots.get.query({ id: snapshot.id })).state === 'available'
  })
  const backup = await volumes.backups.create.mutate({ volumeId: volume.id, name: `routes-${tag}` })
  const together = await volumes.groups.create.mutate({ name: `routes-${tag}`, volumeTypes: ['Standard'] })
  const [pool] = await volumes.pools.list.query()
  const [groupType] = await volumes.groups.types.list.query()
  return {
    pages: {
      '/[...missing]': '/nowhere',
      '/admin/domains/[id]': '/admin/domains/default',
      '/admin/flavors/[id]': '/admin/flavors/1',
      '/admin/groups/[id]': `/admin/groups/${people.id}`,
      '/admin/projects/[id]': `/admin/projects/${await first(directory.projects.list.query({ search: 'demo' }))}`,
      '/admin/roles/[id]': `/admin/roles/${await first(directory.roles.list.query({ search: 'member' }))}`,
      '/admin/users/[id]': `/admin/users/${await first(directory.users.list.query({ search: 'demo' }))}`,
      '/admin/volume-group-types/[id]': `/admin/volume-group-types/${groupType?.id}`,
      '/admin/volume-pools/[name]': `/admin/volume-pools/${encodeURIComponent(pool?.name ?? '')}`,
      '/admin/volume-types/[id]': `/admin/volume-types/${await first(volumes.types.list.query({}))}`,
      '/help/[page]': '/help/networking',
      '/images/[id]': `/images/${image}`,
      '/instances/[id]': `/instances/${instance}`,
      '/instances/[id]/console': `/instances/${instance}/console?kind=serial`,
      '/key-pairs/[name]': `/key-pairs/routes-${tag}`,
      '/networks/[id]': `/networks/${network.id}`,
      '/ports/[id]': `/ports/${port.id}`,
      '/routers/[id]': `/routers/${router.id}`,
      '/security-groups/[id]': `/security-groups/${group.id}`,
      '/server-groups/[id]': `/server-groups/${serverGroup.id}`,
      '/volume-backups/[id]': `/volume-backups/${backup.id}`,
      '/volume-groups/[id]': `/volume-groups/${together.id}`,
      '/volume-snapshots/[id]': `/volume-snapshots/${snapshot.id}`,
      '/volumes/[id]': `/volumes/${volume.id}`,
    } as Record<string, string>,
    async remove() {
      await compute.instances.delete.mutate({ id: instance })
      await until('no instance on the network', 60_000, async () => {
        const { items } = await networking.ports.list.query({ networkId: network.id, use: 'instance' })
        return items.length === 0
      })
      await until('a backup', 120_000, async () => {
        return (await volumes.backups.get.query({ id: backup.id })).state === 'available'
      })
      await volumes.backups.delete.mutate({ id: backup.id })
      await volumes.snapshots.delete.mutate({ id: snapshot.id })
      await until('no snapshot of the volume', 60_000, async () => {
        return (await volumes.snapshots.list.query({ volumeId: volume.id })).items.length === 0
      })
      await networking.ports.delete.mutate({ id: port.id })
      await Promise.all([
        networking.networks.delete.mutate({ id: network.id }),
        networking.routers.delete.mutate({ id: router.id }),
        networking.securityGroups.delete.mutate({ id: group.id }),
        compute.serverGroups.delete.mutate({ id: serverGroup.id }),
        directory.groups.delete.mutate({ id: people.id }),
        volumes.delete.mutate({ id: volume.id }),
        volumes.groups.delete.mutate({ id: together.id }),
        compute.keyPairs.delete.mutate({ name: `routes-${tag}` }),
      ])
    },
  }
}
