import fs from 'node:fs'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { expect } from 'vitest'
import { testCloud, testFacade } from '../../identity/testing.ts'
import { type Ctx, systemCtx } from '../../kernel/context.ts'
import { createProject } from '../projects/service.ts'
import { startLdap } from './ldap/backend.ts'
import type { Directory } from './ldap/connection.ts'
import { directoryOf } from './ldap/domains.ts'
import { importDomain, reviewDomain } from './ldap/review.ts'
import { addPerson, rootDn, rootPassword, type Slapd, startSlapd, suffix } from './ldap/testing.ts'

/** Identity against a real slapd of Debian. */

export let cloud: Awaited<ReturnType<typeof testCloud>>
export let slapd: Slapd
export let app: FastifyInstance
export let ctx: Ctx
export let domainId = ''
export let projectId = ''

export async function openLdap(): Promise<void> {
  cloud = await testCloud()
  slapd = await startSlapd()
  writeSettings(`corp: ${yaml({ starttls: true, tls: { ca: slapd.ca } })}`)
  await startLdap(cloud.deps)
  app = await testFacade(cloud.deps)
  ctx = systemCtx(cloud.deps, 'test')
  domainId = (await cloud.deps.root.domain.findUniqueOrThrow({ where: { name: 'corp' } })).id
  projectId = (await createProject(ctx, { name: 'papers', domainId })).id
}
export async function closeLdap(): Promise<void> {
  await app.close()
  await slapd.remove()
  await cloud.close()
}

/** Settings that `more` does not give are those of docs/operations.md. YAML accepts JSON. */
export const yaml = (more: object) =>
  JSON.stringify({
    url: slapd.url,
    bind: { dn: rootDn, passwordFile: 'ldap-password' },
    users: { base: `ou=people,${suffix}`, filter: '(&(objectClass=inetOrgPerson)(!(employeeType=left)))' },
    groups: { base: `ou=groups,${suffix}` },
    timeoutSeconds: 1,
    ...more,
  })
export function writeSettings(text: string): void {
  fs.mkdirSync(cloud.deps.config.dataDir, { recursive: true })
  fs.writeFileSync(path.join(cloud.deps.config.dataDir, 'ldap-password'), `${rootPassword}\n`)
  fs.writeFileSync(path.join(cloud.deps.config.dataDir, 'ldap.yaml'), text)
}
export const directory = (): Directory => {
  const found = directoryOf(domainId)
  if (!found) throw new Error('the domain has no directory')
  return found
}
export const bringOver = () => importDomain(ctx, domainId, directory())
export const review = () => reviewDomain(ctx, domainId, directory())

let addresses = 0
export const nextAddress = () => `192.0.2.${++addresses % 250}`
export const domain = { name: 'corp' }
type Scope = { scope?: object }
export const post = (user: object, scope: Scope = {}) =>
  app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth: { identity: { methods: ['password'], password: { user } }, ...scope } },
    remoteAddress: nextAddress(),
  })
export const enter = (name: string, password: unknown, scope?: Scope) =>
  post({ name, domain, password }, scope)
export const inPapers = () => ({ scope: { project: { id: projectId } } })
export async function tokenOf(name: string, password: string, scope?: Scope): Promise<string> {
  const answer = await enter(name, password, scope)
  expect(answer.statusCode, answer.body).toBe(201)
  return String(answer.headers['x-subject-token'])
}
export const stands = async (token: string) =>
  (await app.inject({ url: '/identity/v3/auth/catalog', headers: { 'x-auth-token': token } })).statusCode
export const rowOf = (name: string) =>
  cloud.deps.root.user.findUniqueOrThrow({ where: { domainId_name: { domainId, name } } })

let people = 0
/** Adds a new person to the directory. */
export async function person(): Promise<{ uid: string; password: string }> {
  const uid = `person${++people}`
  const password = `canary-${uid}-password`
  await slapd.change((client) => addPerson(client, uid, password))
  return { uid, password }
}
