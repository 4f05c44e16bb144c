import { type IscsiSession, ScsiError } from './iscsi-session.ts'

/** A target in memory, for tests. Its LUNs have 3 MiB each. */
export type TestTarget = {
  luns: Map<number, Buffer>
  /** The LUNs that answer reads with an error. */
  broken: Set<number>
  /** The sense key with which the target refuses a command of that code; null when it does not. */
  fails(code: number): number | null
  /** Runs at the begin of a reservation, and at its end. */
  onReserve(): void
  onRelease(): void
  /** How many bytes were read since this was asked last. */
  read(): number
}
const bytesOfLun = 3 * 1024 ** 2
const counts = new WeakMap<TestTarget, { read: number }>()

export function aTarget(...numbers: number[]): TestTarget {
  const count = { read: 0 }
  const target: TestTarget = {
    luns: new Map(numbers.map((number) => [number, Buffer.alloc(bytesOfLun)])),
    broken: new Set(),
    fails: () => null,
    onReserve: () => undefined,
    onRelease: () => undefined,
    read() {
      const { read } = count
      count.read = 0
      return read
    },
  }
  counts.set(target, count)
  return target
}

const errorOf = (key: number) =>
  new ScsiError(2, Buffer.from([0x70, 0, key, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0]))

export function sessionOf(target: TestTarget): IscsiSession {
  const run: IscsiSession['run'] = async ({ lun, cdb, writes }) => {
    const number = lun.readUInt16BE(0) & 0x3fff
    const content = target.luns.get(number) ?? Buffer.alloc(0)
    const code = cdb[0] ?? 0
    const at = Number(cdb.readBigUInt64BE(2)) * 512
    const length = cdb.readUInt32BE(10) * 512
    const key = target.broken.has(number) && code === 0x88 ? 3 : target.fails(code)
    if (key !== null) throw errorOf(key)
    switch (code) {
      case 0xa0: {
        // Each number is told in both ways in which it can be written.
        const found = Buffer.alloc(8 + target.luns.size * 16)
        found.writeUInt32BE(target.luns.size * 16)
        for (const [index, one] of [...target.luns.keys()].entries()) {
          found.writeUInt16BE(one, 8 + index * 16)
          found.writeUInt16BE(0x4000 | one, 16 + index * 16)
        }
        return found
      }
      case 0x9e: {
        const found = Buffer.alloc(32)
        found.writeBigUInt64BE(BigInt(bytesOfLun / 512 - 1))
        found.writeUInt32BE(512, 8)
        return found
      }
      case 0x88: {
        const count = counts.get(target)
        if (count) count.read += length
        return Buffer.from(content.subarray(at, at + length))
      }
      case 0x8a:
        writes?.copy(content, at)
        return Buffer.alloc(0)
      case 0x93:
        content.fill(0, at, at + length)
        return Buffer.alloc(0)
      case 0x16:
        target.onReserve()
        return Buffer.alloc(0)
      case 0x17:
        target.onRelease()
        return Buffer.alloc(0)
      default:
        return Buffer.alloc(36)
    }
  }
  return { run, close: async () => undefined }
}
