import { mkdtempSync } from 'node:fs'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { backgroundOp } from '../op.ts'
import { testGuestDisk } from './boot-sector.ts'
import { type HypervisorHarness, until } from './conformance-world.ts'
import { createQemuDriver, type QemuDriver, type QemuOptions } from './qemu.ts'
import { findQemu } from './qemu-process.ts'

export type QemuHarness = HypervisorHarness & {
  readonly driver: QemuDriver
  readonly dir: string
  pidOf(id: string): Promise<number | null>
  /** Types into the serial console without the driver. */
  type(id: string, text: string): Promise<void>
}

/** A harness with a new host directory below /tmp and with real QEMU guests that boot our boot sector. */
export async function qemuHarness(changes: Partial<QemuOptions> = {}): Promise<QemuHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'strato-hv-'))
  await chmod(dir, 0o711)
  const options: QemuOptions = {
    dir,
    log: pino({ level: 'silent' }),
    netns: null,
    diskPathOf: (_id, diskId) => join(dir, `${diskId}.img`),
    ...changes,
  }
  let driver = createQemuDriver(options)
  const runOf = (id: string) => join(dir, 'instances', id, 'run')
  const pidOf = (id: string) => findQemu(runOf(id), id, null)
  const logOf = (id: string) => join(dir, 'instances', id, 'serial.log')
  const op = backgroundOp(options.log, 'harness', 600_000)

  async function type(id: string, text: string): Promise<void> {
    const socket = connect(join(runOf(id), 'serial'))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.write(text, () => resolve())
    })
    await sleep(200) // The guest polls its port 18 times a second.
    socket.destroy()
  }

  return {
    get driver() {
      return driver
    },
    dir,
    pidOf,
    type,
    async prepare(id) {
      const path = join(dir, `${id}.img`)
      await writeFile(path, testGuestDisk())
      return { disks: [{ id, path, format: 'raw', boot: true }], nics: [] }
    },
    spoil: async (spec) => {
      for (const disk of spec.disks) await rm(disk.path)
    },
    // The log continues from start to start, so the greeting must be newer than the process.
    booted: (id) =>
      until(async () => {
        const startedAt = (await driver.get(op, id))?.startedAt
        const { mtimeMs } = await stat(logOf(id))
        const newer = !startedAt || mtimeMs >= Date.parse(startedAt)
        return newer && (await readFile(logOf(id), 'latin1')).endsWith('hello\r\n')
      }, 30_000),
    async crash(id) {
      const pid = await pidOf(id)
      if (pid === null) throw new Error('the guest has no process')
      process.kill(pid, 'SIGKILL')
      await until(async () => (await pidOf(id)) === null, 5_000)
    },
    powerOff: (id) => type(id, 'q'),
    ignoreButton: (id) => type(id, 'i'),
    abandon: () => driver.close(),
    async reopen() {
      driver = createQemuDriver(options)
      await driver.ready
      return driver
    },
    async leftovers(id) {
      const files = (await readdir(join(dir, 'instances')).catch(() => [])).filter((name) => name === id)
      const pid = await pidOf(id)
      return pid === null ? files : [...files, `pid ${pid}`]
    },
    async destroy() {
      await driver.ready
      for (const { id } of await driver.list(op)) await driver.remove(op, id)
      await driver.close()
      await rm(dir, { recursive: true })
    },
  }
}
