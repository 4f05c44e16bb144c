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
