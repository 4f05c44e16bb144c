import { type Api, type Cloud, signedIn } from './cloud.ts'
import { routes } from './routes.ts'

/** The pages that need nothing to be filled in, and a page of the help. */
const plain = [...routes().filter((route) => !route.includes('[')), '/help/networking']
const isOfAdmins = (route: string) => route.startsWith('/admin/')
/** The pages that everybody has. */
export const projectPages = plain.filter((route) => !isOfAdmins(route))
/** The pages of the cloud's administrators. */
export const adminPages = plain.filter(isOfAdmins)

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
