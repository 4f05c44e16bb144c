import { expect, it } from 'vitest'
import { snapshotsSpec } from './spec.ts'

it('one call makes no two snapshots of one volume', () => {
  const of = (...volumes: string[]) => ({
    pool: { driver: 'files', id: 'local' },
    snapshots: volumes.map((volumeId) => ({ id: crypto.randomUUID(), volumeId })),
  })
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
  expect(snapshotsSpec.safeParse(of(one, other)).success).toBe(true)
  expect(snapshotsSpec.safeParse(of(one, other, one)).success).toBe(false)
})
