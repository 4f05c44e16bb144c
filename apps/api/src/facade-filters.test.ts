import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FacadeWorld, facadeWorld, send, tokenOfCaller } from './facade.testing.ts'
import { examples } from './rooms.testing.ts'
import './register.ts'
import { allOperations, type MountedOperation } from './openstack/operation.ts'
import type { Example } from './openstack/testing.ts'

/**
 * Tests that no accepted filter is ignored: people who pipe a list into `xargs delete` must not get everything. Each
 * filter of each list of the operation table, with a value that no thing has, must find nothing or be refused.
 */
let cloud: FacadeWorld
beforeAll(async () => {
  cloud = await facadeWorld()
})
afterAll(() => cloud.close())

const lists = allOperations().filter((o) => o.filters)
const key = (o: MountedOperation) => `${o.facade.service}:${o.name}`

/** Makes a thing for the list, and returns the request of the list without any filter. */
async function unfiltered(operation: MountedOperation): Promise<Example> {
  await examples[key(operation).replace(/\.\w+$/, '.get')]?.make(cloud.owner)
  const { params = {} } = (await examples[key(operation)]?.make(cloud.owner)) ?? {}
  return { params }
}

/** Values that PostgreSQL refuses: a NUL, a year before its first one. */
const oddities = ['\0', '0000-01-01T00:00:00Z', 'lt:0000-01-01T00:00:00Z']

function listOf(body: string): unknown[] {
  const found = Object.values(JSON.parse(body) as object).find((value) => Array.isArray(value))
  return found as unknown[]
}

describe('filters of the façades', () => {
  test('several lists have filters', () => expect(lists.length).toBeGreaterThan(5))

  test.each(lists.map((o) => [key(o), o] as const))('%s', async (name, operation) => {
    const example = await unfiltered(operation)
    for (const [filters, token] of [
      [operation.filters, tokenOfCaller(cloud, operation)],
      [operation.adminFilters, cloud.tokens.admin],
    ] as const) {
      if (!filters) continue
      const all = await send(cloud, operation, example, token)
      expect(listOf(all.body).length, `${name} without a filter`).toBeGreaterThan(0)
      for (const [filter, value] of Object.entries(filters)) {
        const answer = await send(cloud, operation, { ...example, query: { [filter]: value } }, token)
        const said = `${name}?${filter}=${value} → ${answer.statusCode} ${answer.body.slice(0, 200)}`
        if (answer.statusCode === 200) expect(listOf(answer.body), said).toEqual([])
        else expect([400, 403, 404], said).toContain(answer.statusCode)
        for (const odd of oddities) {
          const { statusCode, body } = await send(
            cloud,
            operation,
            { ...example, query: { [filter]: odd } },
            token,
          )
          expect(statusCode, `${name}?${filter}=${JSON.stringify(odd)} → ${body}`).toBeLessThan(500)
        }
      }
    }
  })
})
