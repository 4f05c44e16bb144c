import { type Api, apiClient, type Cloud, signedIn } from './cloud.ts'

export type Person = { name: string; password: string; project: string; projectId: string }

/** A member of a new project, made by the administrator. */
export async function newPerson(cloud: Cloud): Promise<Person> {
  const tag = crypto.randomUUID().slice(0, 8)
  const [name, password, project] = [`guest-${tag}`, `pw-${crypto.randomUUID()}`, `project-${tag}`]
  const { directory } = (await signedIn(cloud, 'admin')).api
  const [{ id: projectId }, member] = await Promise.all([
    directory.projects.create.mutate({ name: project }),
    directory.roles.list.query({ search: 'member' }),
  ])
  const { id: userId } = await directory.users.create.mutate({ name, password, defaultProjectId: projectId })
  const roleId = member.items.find((role) => role.name === 'member')?.id ?? ''
  await directory.assignments.grant.mutate({ userId, roleId, projectId })
  return { name, password, project, projectId }
}

/** A typed client that acts as this person. */
export async function apiOf(cloud: Cloud, { name, password }: Person): Promise<Api> {
  const { token } = await apiClient(cloud).identity.signIn.mutate({ user: name, password })
  return apiClient(cloud, token)
}

type Grant = Parameters<Api['directory']['assignments']['grant']['mutate']>[0]

/** Gives a person roles and takes them away, as an administrator does. */
export async function rightsOf(cloud: Cloud, { name }: Person) {
  const { api } = await signedIn(cloud, 'admin')
  const [user] = (await api.directory.users.list.query({ search: name })).items
  const grantOf = async (role: string, where: Omit<Grant, 'userId' | 'roleId'>): Promise<Grant> => {
    const roles = (await api.directory.roles.list.query({ search: role })).items
    const roleId = roles.find((one) => one.name === role)?.id ?? ''
    return { userId: user?.id ?? '', roleId, ...where }
  }
  return {
    api,
    userId: user?.id ?? '',
    give: async (role: string, where: Omit<Grant, 'userId' | 'roleId'>) =>
      api.directory.assignments.grant.mutate(await grantOf(role, where)),
    take: async (role: string, where: Omit<Grant, 'userId' | 'roleId'>) =>
      api.directory.assignments.revoke.mutate(await grantOf(role, where)),
  }
}
