import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, send } from './facade.testing.ts'
import { inAudit } from './operations/audit.testing.ts'
import { examples } from './rooms.testing.ts'
import './register.ts'
import {
  access,
  allOperations,
  type CallerKind,
  callerKinds,
  type MountedOperation,
} from './openstack/operation.ts'
import type { Example, Tenant } from './openstack/testing.ts'

/**
 * The authorization matrix of the façades, made from the operation table: every operation × every
 * kind of caller × every dead token, over HTTP. The example of an operation must succeed with the
 * documented status for its owner, so that nothing passes by failing early.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

const key = (o: MountedOperation) => `${o.facade.service}:${o.name}`
const operations = allOperations()
const closed = operations.filter((o) => o.access !== 'public')

/** For each operation that changes something: whether the audit log has one of the requests. */
const audited = new Map<string, boolean>()
/** Reads that the audit log must have, too, and POSTs of OpenStack that change nothing. */
const uses = ['image:images.file.download', 'compute:servers.password.get']
const onlyReads = [
  ...['compute:servers.os-getConsoleOutput', 'block-storage:snapshots.os-update_snapshot_status'],
  ...['block-storage:volumes.os-show_image_metadata', 'block-storage:services.get-log'],
  'block-storage:workers.cleanup',
]
const isToBeSeen = (o: MountedOperation) =>
  (o.method !== 'GET' && o.status < 400 && !onlyReads.includes(key(o))) || uses.includes(key(o))

/** The tenant to whom the things of a request belong: a stranger who makes a thing makes it in their own project. */
const tenantFor = (operation: MountedOperation, kind: CallerKind): Tenant =>
  kind === 'stranger' && (operation.access === 'create' || operation.access === 'list')
    ? cloud.stranger
    : cloud.owner

const verdictOf = (status: number) =>
  status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : status === 404 ? 'not_found' : 'ok'

describe('authorization matrix of the façades', () => {
  test('every operation has an example, and every example has an operation', () => {
    expect(operations.length).toBeGreaterThan(20)
    expect(Object.keys(examples).sort()).toEqual(operations.map(key).sort())
    const cells = closed.length * (callerKinds.length + 6)
    console.info(`authorization matrix: ${operations.length} operations, ${cells} cells`)
  })

  test.each(closed.map((o) => [key(o), o] as const))('%s', async (name, operation) => {
    if (operation.access === 'public') throw new Error('filtered above')
    const maker = examples[name]
    if (!maker) throw new Error(`no example for ${name}`)
    const got: Partial<Record<CallerKind, string>> = {}
    const wanted: Partial<Record<CallerKind, string>> = {}
    // The next caller can use a thing that the last caller did not change.
    const unused = new Map<Tenant, Example>()
    for (const kind of callerKinds) {
      const tenant = tenantFor(operation, kind)
      const example = unused.get(tenant) ?? (await maker.make(tenant))
      const answer = await send(cloud, operation, example, cloud.tokens[kind])
      expect(answer.statusCode, `${name} as ${kind}: ${answer.body.slice(0, 300)}`).toBeLessThan(500)
      if (operation.method === 'GET' || answer.statusCode >= 400) unused.set(tenant, example)
      else unused.delete(tenant)
      if (answer.statusCode === operation.status && isToBeSeen(operation) && !audited.get(name))
        audited.set(name, await inAudit(cloud.world.deps, String(answer.headers['x-openstack-request-id'])))
      const verdict = verdictOf(answer.statusCode)
      const want = operation.except?.[kind] ?? access[operation.access][kind]
      wanted[kind] = want === 'ok' ? String(operation.status) : want
      got[kind] = verdict === 'ok' || want === 'ok' ? String(answer.statusCode) : verdict
      if (want === 'ok' && answer.statusCode !== operation.status)
        got[kind] += ` ${answer.body.slice(0, 200)}`
    }
    expect(got).toEqual(wanted)
    const example = unused.get(cloud.owner) ?? (await maker.make(cloud.owner))
    for (const [why, token] of Object.entries(cloud.dead)) {
      const answer = await send(cloud, operation, example, token)
      expect(answer.statusCode, `${name} with a token that is ${why}`).toBe(401)
      expect(answer.headers['www-authenticate']).toContain('Keystone uri=')
    }
  })

  test('the audit log has every change and every use of a secret', () => {
    expect([...audited].flatMap(([name, found]) => (found ? [] : [name]))).toEqual([])
    expect(audited.size).toBeGreaterThan(200)
    for (const name of uses) expect(audited.get(name), name).toBe(true)
  })

  const withForeign = closed.filter((o) => examples[key(o)]?.foreign)
  test.each(withForeign.map((o) => [key(o), o] as const))(
    '%s serves nothing of another tenant',
    async (name, operation) => {
      const made = (await examples[name]?.foreign?.(cloud.owner, cloud.stranger)) ?? []
      expect(made.length).toBeGreaterThan(0)
      for (const example of made) {
        const answer = await send(cloud, operation, example, cloud.tokens.ownerMember)
        const said = JSON.stringify(example.body ?? example.query ?? example.params)
        if (operation.method === 'GET') expectNothingForeign(answer.body, `${name} ${said}`)
        else
          expect([400, 403, 404, 409], `${name} ${said}: ${answer.body.slice(0, 300)}`).toContain(
            answer.statusCode,
          )
      }
    },
  )
})

/** Checks that an answer contains nothing of the stranger; it may be empty or a refusal. */
function expectNothingForeign(body: string, what: string): void {
  for (const secret of [cloud.stranger.networkId, cloud.stranger.userId])
    expect(body.includes(secret) && !what.includes(secret), what).toBe(false)
  const lists = Object.values((body.startsWith('{') ? JSON.parse(body) : {}) as object).filter(Array.isArray)
  for (const list of lists) expect(JSON.stringify(list), what).not.toContain(cloud.stranger.projectId)
}
