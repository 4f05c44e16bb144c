import fs from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { iscsiPool } from './spec.ts'
import { toldPools } from './told-pools.ts'

const dir = fs.mkdtempSync('/var/tmp/strato-told-')
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

test('a pool that is forgotten leaves no secret, also when an agent was killed while it wrote one', async () => {
  const pools = toldPools(dir, iscsiPool, () => true)
  const pool = {
    driver: 'iscsi' as const,
    portal: 'h:3260',
    target: 'iqn.2026-01.test:t',
    user: 'u',
    secret: 's',
  }
  const [one, other] = ['one', 'other'].map((id) => ({ ...pool, id }))
  if (!one || !other) throw new Error('two pools')
  for (const each of [one, other]) await pools.of(each)
  fs.writeFileSync(path.join(dir, `one.${crypto.randomUUID()}`), JSON.stringify(one))
  await pools.forget(one)
  expect(fs.readdirSync(dir)).toEqual(['other'])
})
