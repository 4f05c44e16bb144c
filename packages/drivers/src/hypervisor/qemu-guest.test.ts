import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DriverError } from '../errors.ts'
import { plainSpec } from './conformance-world.ts'
import { diskIsFull } from './full-disk.ts'
import type { InstanceSpec } from './interface.ts'
import { QemuGuest } from './qemu-guest.ts'
import { findQemu, waitGone } from './qemu-process.ts'
import { connectQmp, type QmpEvent } from './qmp.ts'
import { bootId, guestPaths, makeHome, readRecord } from './state-files.ts'

vi.mock('./qmp.ts')
vi.mock('./qemu-process.ts')

/** A QEMU that has stopped its guest because the disk is full. `refused` is the command that fails. */
let qemu: {
  status: 'paused' | 'running'
  refused: string | null
  lose: () => void
  tell: (event: QmpEvent) => void
}
beforeEach(() => {
  qemu = { status: 'paused', refused: null, lose: () => undefined, tell: () => undefined }
  vi.mocked(findQemu).mockResolvedValue(7)
  vi.mocked(waitGone).mockResolvedValue(false)
  vi.mocked(connectQmp).mockImplementation(async (_run, _ms, { onClose, onEvent }) => {
    qemu.lose = onClose
    qemu.tell = onEvent
    return { close: () => undefined, execute: async (command) => answer(command) }
  })
})
afterEach(() => vi.resetAllMocks())

function answer(command: string): unknown {
  if (command === qemu.refused) throw new DriverError('unavailable', `QEMU did not answer ${command}.`)
  if (command === 'stop') qemu.status = 'paused'
  if (command === 'cont') qemu.status = 'running'
  if (command === 'query-uuid') return { UUID: id }
  if (command === 'query-status') return { status: qemu.status }
  if (command === 'query-block') return [{ 'io-status': 'nospace' }]
  return []
}

const id = crypto.randomUUID()
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-guest-'))
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))
const paths = guestPaths(dir, id)
/** The guest has no folder yet, so that nothing can be written there, as on a disk that is full. */
async function aGuest(
  spec: InstanceSpec | null = null,
  settle: () => Promise<void> = async () => undefined,
): Promise<QemuGuest> {
  const record = { phase: 'running' as const, pid: 7, startedAt: null, bootId: await bootId(), reason: null }
  const guest = new QemuGuest(paths, id, spec, record, {
    log: pino({ level: 'silent' }),
    launch: () => Promise.reject(new Error('nothing is launched')),
    end: async () => undefined,
    bound: async () => undefined,
    settle,
    emit: () => undefined,
  })
  await guest.adopt()
  return guest
}
async function connectedAgain(): Promise<void> {
  const { length } = vi.mocked(connectQmp).mock.calls
  qemu.lose()
  await vi.waitFor(() => expect(vi.mocked(connectQmp).mock.calls.length).toBe(length + 1), 5_000)
}

test('a guest that somebody has paused on a full disk stays paused after a new connection', async () => {
  const guest = await aGuest()
  expect(guest.observed()).toMatchObject({ power: 'paused', reason: diskIsFull })
  await guest.freeze('paused')
  await connectedAgain()
  await guest.settled()
  expect(guest.waitsForRoom).toBe(false)
  expect(guest.observed()).toMatchObject({ power: 'paused', reason: null })
  guest.detach()
})

test('a guest that could not be paused goes on by itself when the disk has room again', async () => {
  const guest = await aGuest()
  await makeHome(paths)
  qemu.refused = 'stop'
  await expect(guest.freeze('paused')).rejects.toMatchObject({ code: 'unavailable' })
  await connectedAgain()
  await guest.settled()
  expect(guest.waitsForRoom).toBe(true)
  qemu.refused = null
  await guest.freeze('paused')
  expect(await readRecord(paths)).toMatchObject({ paused: true })
  guest.detach()
})

test.each(['query-uuid', 'query-status'])(
  'a connection on which QEMU does not answer %s is made anew',
  async (refused) => {
    qemu.refused = refused
    const settle = vi.fn(async () => undefined)
    const guest = await aGuest(plainSpec(id), settle)
    expect(() => guest.control()).toThrow(/does not answer/)
    expect(settle).not.toHaveBeenCalled()
    qemu.refused = null
    await vi.waitFor(() => expect(settle).toHaveBeenCalledOnce(), 5_000)
    expect(guest.control()).toBeDefined()
    guest.detach()
  },
)

test('moves of volumes that cannot be settled are tried again', async () => {
  const settle = vi.fn(async () => undefined)
  settle.mockRejectedValueOnce(new DriverError('unavailable', 'the old pool is not mounted'))
  const guest = await aGuest(plainSpec(id), settle)
  expect(settle).toHaveBeenCalledOnce()
  await vi.waitFor(() => expect(settle).toHaveBeenCalledTimes(2), 5_000)
  guest.detach()
})

test('a pool that does not answer holds up neither the start of the agent nor calls on the guest', async () => {
  const guest = await aGuest(plainSpec(id), () => new Promise<never>(() => undefined))
  await guest.settled()
  await makeHome(paths)
  await guest.freeze('paused')
  guest.detach()
})

test('a move whose copy has everything is settled also when nobody asks for it any more', async () => {
  const settle = vi.fn(async () => undefined)
  const guest = await aGuest(plainSpec(id), settle)
  qemu.tell({
    name: 'JOB_STATUS_CHANGE',
    data: { status: 'pending', id: 'c1' },
    at: new Date().toISOString(),
  })
  await vi.waitFor(() => expect(settle).toHaveBeenCalledTimes(2), 5_000)
  guest.detach()
})
