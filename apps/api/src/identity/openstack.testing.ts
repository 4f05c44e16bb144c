import type { FastifyInstance } from 'fastify'
import type { Deps } from '../kernel/context.ts'
import { adminPassword, demoPassword, testCloud, testFacade } from './testing.ts'

/** Bodies and headers are compared with those that a real Zed cloud sent (values are this cloud's own). */

export let cloud: Awaited<ReturnType<typeof testCloud>>
export let deps: Deps
export let app: FastifyInstance
export async function openKeystone(): Promise<void> {
  cloud = await testCloud()
  deps = cloud.deps
  app = await testFacade(deps)
}
export async function closeKeystone(): Promise<void> {
  await app.close()
  await cloud.close()
}

export const base = 'http://cloud.test/identity/v3'
export const v3 = '/identity/v3'
export const inDefault = { domain: { name: 'Default' } }
export const passwordOf = (user: object) => ({ identity: { methods: ['password'], password: { user } } })
export const userNamed = (name: string, password: unknown) => passwordOf({ name, password, ...inDefault })
export const inProject = (name: string) => ({ scope: { project: { name, ...inDefault } } })
export const post = (auth: object, query = '') =>
  app.inject({
    method: 'POST',
    url: `${v3}/auth/tokens${query}`,
    payload: { auth },
    remoteAddress: nextAddress(),
  })
export const get = (url: string, token?: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { ...(token ? { 'x-auth-token': token } : {}), ...headers } })
export const tokenFor = async (name: string, password: string, project?: string) =>
  String(
    (await post({ ...userNamed(name, password), ...(project ? inProject(project) : {}) })).headers[
      'x-subject-token'
    ],
  )
export const admin = () => tokenFor('admin', adminPassword, 'admin')
export const demo = () => tokenFor('demo', demoPassword, 'demo')
let addresses = 0
const nextAddress = () => `192.0.2.${++addresses % 250}`
export const requestId = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
export const hex = /^[0-9a-f]{32}$/
export const unauthorized =
  '{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}'
