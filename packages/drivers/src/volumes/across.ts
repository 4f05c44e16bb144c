import { DriverError } from '../errors.ts'
import { type Op, percentDone } from '../op.ts'
import type { CopySpec, LocalVolumeDriver, ObservedVolume, Refill, VolumeContent } from './interface.ts'
import { layerBytes } from './manifest.ts'

/** How much is read at once, in bytes. */
const chunkBytes = 4 * 1024 ** 2

/**
 * Copies a volume into a pool of another kind, of which the own driver of the volume's pool knows nothing. The copy is read
 * again and compared with the volume before anybody may use the copy.
 */
export async function copyAcross(
  op: Op,
  drivers: { from: LocalVolumeDriver; to: LocalVolumeDriver },
  { id, from, to, copyId }: CopySpec,
): Promise<ObservedVolume> {
  const made: ObservedVolume[] = []
  await drivers.from.readUnused(op, { id, pool: from }, async (content) => {
    const copy = { id, pool: to, copyId, sizeBytes: content.sizeBytes, luks: content.luks }
    made.push(await drivers.to.receiveCopy(op, copy, (volume) => copyContent(op, content, volume)))
    await compare(op, drivers.to, copy, content)
  })
  if (!made[0]) throw new DriverError('failed', `The volume ${id} was not copied.`)
  return made[0]
}

/** Writes all that a volume contains. */
export const copyContent = (op: Op, content: VolumeContent, into: Refill): Promise<void> =>
  forEachChunk(op, 'copied', content, async (at, bytes) => {
    if (bytes) await into.write(at, bytes)
  })

async function compare(
  op: Op,
  driver: LocalVolumeDriver,
  copy: { id: string; pool: CopySpec['to'] },
  content: VolumeContent,
): Promise<void> {
  const differs = new DriverError('failed', 'The copy differs from the volume.')
  try {
    await driver.readUnused(op, copy, async (made) => {
      if (made.sizeBytes !== content.sizeBytes) throw differs
      await forEachChunk(op, 'compared', content, async (at, bytes, length) => {
        const read = await made.read(at, length)
        if (bytes === null && read === null) return
        if (!(bytes ?? Buffer.alloc(length)).equals(read ?? Buffer.alloc(length))) throw differs
      })
    })
  } catch (error) {
    if (error === differs) await driver.removeVolume(op, copy)
    throw error
  }
}

/** Reads all that a volume contains, in order; `bytes` is null where all bytes are zeros. */
async function forEachChunk(
  op: Op,
  done: string,
  { sizeBytes: visible, luks, read }: VolumeContent,
  work: (at: number, bytes: Buffer | null, length: number) => Promise<void>,
): Promise<void> {
  const sizeBytes = layerBytes({ sizeBytes: visible, luks: luks ?? undefined })
  let told = 0
  for (let at = 0; at < sizeBytes; at += chunkBytes) {
    op.signal.throwIfAborted()
    const length = Math.min(chunkBytes, sizeBytes - at)
    await work(at, await read(at, length), length)
    const percent = Math.floor(((at + length) / sizeBytes) * 100)
    if (percent > told) op.progress(percentDone(percent, done))
    told = percent
  }
}
