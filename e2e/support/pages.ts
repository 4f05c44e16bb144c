import { type Api, type Cloud, signedIn } from './cloud.ts'

/** The pages that everybody has. */
export const projectPages = [
  '/',
  '/instances',
  '/instances/new',
  '/images',
  '/key-pairs',
  '/server-groups',
  '/networks',
  '/ports',
  '/routers',
  '/security-groups',
  '/floating-ips',
  '/operations',
  '/help',
  '/help/networking',
  '/profile',
  '/api-access',
]

/** The pages of the cloud's administrators. */
export const adminPages = [
  '/admin/hosts',
  '/admin/unknown',
  '/admin/flavors',
  '/admin/instances',
  '/admin/images',
  '/admin/networks',
  '/admin/ports',
  '/admin/routers',
  '/admin/security-groups',
  '/admin/floating-ips',
  '/admin/domains',
  '/admin/projects',
  '/admin/users',
  '/admin/groups',
  '/admin/roles',
  '/admin/assignments',
  '/admin/quotas',
  '/admin/operations',
  '/admin/audit',
  '/admin/catalog',
  '/admin/policy',
  '/admin/system',
]

/** The pages of one thing of each kind that this project has. */
export async function thingPages({ compute, images, networking }: Api): Promise<string[]> {
  const lists = {
    instances: compute.instances.list,
    images: images.list,
    networks: networking.networks.list,
    ports: networking.ports.list,
    routers: networking.routers.list,
    'security-groups': networking.securityGroups.list,
  }
  const firsts = Object.entries(lists).map(async ([path, list]) => {
    const [first] = (await list.query({ limit: 1 })).items
    return first ? [`/${path}/${first.id}`] : []
  })
  return (await Promise.all(firsts)).flat()
}

/** The pages of one thing of each kind of the directory. */
export async function directoryPages(cloud: Cloud): Promise<string[]> {
  const { directory } = (await signedIn(cloud, 'admin')).api
  const lists = {
    projects: directory.projects.list,
    users: directory.users.list,
    roles: directory.roles.list,
    domains: directory.domains.list,
  }
  const firsts = Object.entries(lists).map(async ([path, list]) => {
    const [first] = (await list.query({ limit: 1 })).items
    return first ? [`/admin/${path}/${first.id}`] : []
  })
  return (await Promise.all(firsts)).flat()
}
