import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { DriverError } from '../errors.ts'
import { defaultGuestUids, readGuestUids } from '../guest-uids.ts'
import { backgroundOp } from '../op.ts'
import { createVolumeFiles } from './files.ts'
import type { MirrorState, PoolSpec, RunningGuest } from './interface.ts'

/** Moves in use with a QEMU that does what real ones hardly ever do. */
const root = fs.mkdtempSync('/var/tmp/stratolith-moving-')
fs.chmodSync(root, 0o711)
const dir = path.join(root, 'hosts/one')
const driverOf = () =>
  createVolumeFiles({
    ...{ dir, imagesDir: path.join(root, 'images') },
    withGuest: (_op, _id, work) => work(running),
    baseOf: async () => null,
  })
const driver = driverOf()
const uids = readGuestUids(defaultGuestUids)
if (typeof uids === 'string') throw new Error(uids)
const uid = uids.guests.first
const op = () => backgroundOp(pino({ level: 'silent' }))
const pool: PoolSpec = { driver: 'files', id: 'local' }
const otherPool = { ...pool, id: crypto.randomUUID(), path: path.join(root, 'other') }
const dataOf = (id: string) => path.join(dir, 'volumes/local/data', id)

/** The copy that QEMU makes; null for none. */
let state: MirrorState | null = null
const hold = () => {
  state = 'held'
}
let holding: () => void = hold
let refuse: () => void = () => undefined
/** What happens while the volume driver asks for the copy, with the volume's turn. */
let meanwhile: () => Promise<void> = async () => undefined
const mirror = {
  synced: async () => undefined,
  hold: async () => holding(),
  state: async () => state ?? ('gone' as const),
  change: async () => {
    state = 'refused'
    refuse()
    throw new DriverError('failed', 'QEMU refuses')
  },
}
const running: RunningGuest = {
  has: async () => true,
  resize: async () => undefined,
  follow: async () => undefined,
  merge: async () => async () => undefined,
  mirror: async () => {
    state = 'copying'
    return mirror
  },
  mirrorOf: async () => {
    const work = meanwhile
    meanwhile = async () => undefined
    await work()
    return state === null ? null : mirror
  },
  endMirror: async () => {
    state = null
  },
  async quiesced(work) {
    await work()
    return true
  },
}
beforeAll(async () => {
  fs.mkdirSync(otherPool.path, { recursive: true, mode: 0o755 })
  await driver.makePool(op(), otherPool)
})
beforeEach(() => {
  state = null
  refuse = () => undefined
  holding = hold
})
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

async function used() {
  const key = { id: crypto.randomUUID(), pool }
  await driver.ensureVolume(op(), { ...key, sizeGib: 1, source: null })
  const guest = { id: crypto.randomUUID(), uid }
  await driver.openVolume(op(), key, guest)
  return { key, guest, wish: { id: key.id, from: pool, to: otherPool, copyId: crypto.randomUUID() } }
}
const movedTo = (id: string) =>
  JSON.parse(fs.readFileSync(path.join(dataOf(id), 'volume.json'), 'utf8')).movedTo

test('a volume stays in its pool when QEMU refuses the copy', async () => {
  const { key, wish } = await used()
  await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({
    code: 'failed',
    message: 'QEMU refuses',
  })
  expect(movedTo(key.id)).toBeUndefined()
  expect(state).toBeNull()
  expect(fs.readdirSync(path.join(otherPool.path, otherPool.id, 'data'))).toEqual([])
})

test.each(['copying', 'held'] as const)(
  'a copy whose guest could not be held in time is not thrown away when it is %s by then',
  async (then) => {
    const { wish } = await used()
    holding = () => {
      state = then
      throw new DriverError('unavailable', 'QEMU did not answer in time.')
    }
    const message = then === 'held' ? 'QEMU refuses' : 'QEMU did not answer in time.'
    await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({ message })
    if (then === 'copying') expect(state).toBe('copying')
    const left = fs.readdirSync(path.join(otherPool.path, otherPool.id, 'data'))
    expect(left).toEqual(then === 'held' ? [] : [`${wish.id}.moving`])
    state = null
    expect(await driver.endMove(op(), wish)).toBe(false)
  },
)

test('a refusal that could not be written down is written down by the next call', async () => {
  const { key, wish } = await used()
  const draft = path.join(dataOf(key.id), 'volume.json.tmp')
  refuse = () => fs.mkdirSync(draft, { recursive: true })
  await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({ code: 'unavailable' })
  expect(movedTo(key.id)).toBeDefined()
  // As long as QEMU knows the job, everybody can tell that the guest writes into the old layers.
  expect(state).toBe('refused')
  await expect(driver.endMove(op(), wish)).rejects.toMatchObject({ code: 'unavailable' })
  refuse = () => undefined
  fs.rmdirSync(draft)
  expect(await driver.growVolume(op(), { ...key, sizeGib: 2 })).toMatchObject({ id: key.id })
  expect(movedTo(key.id)).toBeUndefined()
  expect(state).toBeNull()
  expect(await driver.endMove(op(), wish)).toBe(false)
})

test('a move that cannot be settled keeps no other one from being settled', async () => {
  const [one, two] = [await used(), await used()]
  fs.writeFileSync(path.join(dataOf(one.key.id), 'volume.json'), '{')
  const ended: string[] = []
  const held: RunningGuest = {
    ...running,
    mirrorOf: async () => ({ ...mirror, state: async () => 'held' }),
    endMirror: async (id) => void ended.push(id),
  }
  await expect(driver.settleMoves(op(), [one.key, two.key], held)).rejects.toMatchObject({ code: 'failed' })
  expect(ended).toEqual([two.key.id])
})

test('a move and a removal in the other pool do not wait for each other in a circle', async () => {
  const { key, wish } = await used()
  const to = { ...wish.to, shared: true as const }
  let removal: Promise<unknown> = Promise.resolve()
  meanwhile = async () => {
    removal = driver.removeVolume(op(), { id: key.id, pool: to }).catch((error: unknown) => error)
    await sleep(300)
  }
  const moved = driver.moveInUse(op(), { ...wish, to }).catch((error: unknown) => error)
  const both = Promise.allSettled([moved, removal]).then(async () => removal)
  await expect(Promise.race([both.then(() => 'done'), sleep(10_000, 'waits', { ref: false })])).resolves.toBe(
    'done',
  )
})

test('a copy takes the place of no volume that a guest has had there, and the pool tells copies from volumes', async () => {
  const key = { id: crypto.randomUUID(), pool }
  await driver.ensureVolume(op(), { ...key, sizeGib: 1, source: null })
  const wish = { id: key.id, from: pool, to: otherPool, copyId: crypto.randomUUID() }
  await driver.copyVolume(op(), wish)
  const copyIn = async () =>
    (await driver.listVolumes(op(), otherPool)).filter(({ id }) => id === key.id).map((one) => one.copyId)
  expect(await copyIn()).toEqual([wish.copyId])
  const guest = { id: crypto.randomUUID(), uid }
  await driver.openVolume(op(), { ...key, pool: otherPool }, guest)
  await driver.closeVolumes(op(), guest.id, [])
  expect(await copyIn()).toEqual([null])
  const again = { ...wish, copyId: crypto.randomUUID() }
  await expect(driver.copyVolume(op(), again)).rejects.toMatchObject({ code: 'conflict' })
  expect(await copyIn()).toEqual([null])
})

test.each(['by this agent', 'by the agent before'])(
  'a copy that was begun %s and that nobody asks for any more is ended',
  async (whose) => {
    const { key, wish } = await used()
    holding = () => {
      throw new DriverError('unavailable', 'QEMU did not answer in time.')
    }
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({ code: 'unavailable' })
      if (whose === 'by the agent before') {
        vi.clearAllTimers()
        await driverOf().settleMoves(op(), [key], running)
      }
      expect(state).toBe('copying')
      await vi.advanceTimersByTimeAsync(30 * 60_000)
    } finally {
      vi.useRealTimers()
    }
    await vi.waitFor(() => expect(state).toBeNull())
    const data = path.join(otherPool.path, otherPool.id, 'data')
    await vi.waitFor(() => expect(fs.readdirSync(data)).not.toContain(`${key.id}.moving`))
  },
)

test('a move takes the place of no volume that the other pool has already', async () => {
  const { key, wish, guest } = await used()
  const there = { id: key.id, pool: otherPool }
  await driver.ensureVolume(op(), { ...there, sizeGib: 1, source: null })
  await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({ code: 'conflict' })
  expect((await driver.listVolumes(op(), otherPool)).map(({ id }) => id)).toContain(key.id)
  const other = { id: crypto.randomUUID(), uid: uid + 1 }
  await driver.openVolume(op(), there, other)
  await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(other.id),
  })
  const open = path.join(otherPool.path, otherPool.id, 'open', other.id)
  expect(fs.readdirSync(open)).toEqual([expect.stringContaining(key.id)])
  for (const { id } of [guest, other]) await driver.closeVolumes(op(), id, [])
  await driver.removeVolume(op(), there)
})

test('a guest moves away from a pool that has no room: nothing is written while its disk is held', async () => {
  const { key, wish } = await used()
  const draft = path.join(dataOf(key.id), 'volume.json.tmp')
  let drafted = false
  holding = () => {
    drafted = fs.existsSync(draft)
    hold()
  }
  await expect(driver.moveInUse(op(), wish)).rejects.toMatchObject({ message: 'QEMU refuses' })
  expect(drafted).toBe(true)
})

test('a volume that was moved here is not removed before its old data, and the removal waits for them', async () => {
  const { key, wish } = await used()
  const there = path.join(otherPool.path, otherPool.id, 'data', key.id)
  await driver.copyVolume(op(), wish).catch(() => undefined)
  await driver.ensureVolume(op(), { id: key.id, pool: otherPool, sizeGib: 1, source: null })
  const edit = (file: string, patch: object) =>
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), ...patch }))
  edit(path.join(there, 'volume.json'), { movedFrom: pool })
  const { layers } = JSON.parse(fs.readFileSync(path.join(dataOf(key.id), 'volume.json'), 'utf8'))
  const movedTo = { pool: otherPool, copyId: wish.copyId }
  edit(path.join(dataOf(key.id), 'volume.json'), { movedTo, movedLayers: layers, layers: undefined })
  const removal = driver.removeVolume(op(), { id: key.id, pool: otherPool })
  await expect(removal).rejects.toMatchObject({ code: 'unavailable' })
})

test('a guest keeps a volume while the pool that its record names is not mounted', async () => {
  const { key, guest } = await used()
  const away = `${otherPool.path}/${otherPool.id}`
  fs.renameSync(away, `${away}.away`)
  try {
    await driver.closeVolumes(op(), guest.id, [{ id: key.id, pool: otherPool }])
    expect(fs.readdirSync(path.join(dir, 'volumes/local/open', guest.id))).toHaveLength(1)
  } finally {
    fs.renameSync(`${away}.away`, away)
  }
  await driver.closeVolumes(op(), guest.id, [{ id: key.id, pool: otherPool }])
  expect(fs.existsSync(path.join(dir, 'volumes/local/open', guest.id))).toBe(false)
})
