import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError } from '../errors.ts'
import type { ConsoleFacet } from './interface.ts'
import { runFiles } from './qemu-args.ts'
import type { QemuGuest } from './qemu-guest.ts'
import { connectInDirectory } from './qmp.ts'
import { createSerialHub } from './serial-hub.ts'
import { readSerialLog } from './serial-log.ts'

const maxPictureBytes = 32 * 1024 * 1024

/** Consoles of QEMU guests. `load` raises `not_found` for an unknown id. */
export function createQemuConsole(load: (id: string) => Promise<QemuGuest>): ConsoleFacet {
  const hubs = new WeakMap<QemuGuest, ReturnType<typeof createSerialHub>>()

  async function alive(id: string): Promise<QemuGuest> {
    const guest = await load(id)
    await guest.settled()
    if (!guest.isAlive())
      throw new DriverError('conflict', `Instance ${id} is ${guest.power} and has no console: start it.`)
    return guest
  }
  function hubOf(guest: QemuGuest) {
    const hub = hubs.get(guest) ?? createSerialHub(() => connectInDirectory(guest.paths.run, runFiles.serial))
    hubs.set(guest, hub)
    return hub
  }

  return {
    async open(_op, id, protocol) {
      const guest = await alive(id)
      try {
        if (protocol === 'serial') return await hubOf(guest).open()
        return await connectInDirectory(guest.paths.run, runFiles.vnc)
      } catch (cause) {
        throw new DriverError('unavailable', `The ${protocol} console of instance ${id} does not answer.`, {
          cause,
        })
      }
    },
    async log(_op, id, options) {
      return readSerialLog((await load(id)).paths.serialLog, options)
    },
    async screenshot(_op, id) {
      const guest = await alive(id)
      const name = `screen-${randomUUID()}.png`
      const path = join(guest.paths.run, name)
      try {
        await guest.control().execute('screendump', { filename: name, format: 'png' })
        return await readPicture(path)
      } finally {
        await rm(path, { force: true })
      }
    },
  }
}

/** QEMU may write in this directory, so a link in place of the picture must not be followed. */
async function readPicture(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.nlink !== 1 || stat.size > maxPictureBytes)
      throw new DriverError('failed', 'QEMU did not write a picture of the screen.')
    return await file.readFile()
  } finally {
    await file.close()
  }
}
