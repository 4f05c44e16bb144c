import { chmod, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '../errors.ts'
import { type Op, percentDone } from '../op.ts'
import { runProgram, untilCancelledMs } from '../programs/run.ts'
import type { ReceivedCopy, Refill } from './interface.ts'
import { filesIn, finishPart, type LayerFile, removePart, removeWhole, syncFile } from './layer-files.ts'
import {
  demandCopy,
  type Layer,
  layerBytes,
  type Manifest,
  privateFolder,
  readManifest,
  writeManifest,
} from './manifest.ts'
import { fillFile } from './refill.ts'
import { demandSpace } from './space.ts'

/**
 * A copy of a volume in another pool. The files of the layers are copied byte by byte, so nothing that a guest has written
 * is interpreted, and each copy is compared with its origin. `${dir}` appears whole or not at all.
 */
export type Copying = {
  /** The folder of the volume, which nobody changes meanwhile, and the folder of the copy. */
  from: string
  to: string
  /** Names the copy: one of an earlier move, whose volume may have changed since, is made anew. */
  copyId: string
}

const tickMs = 1_000

export async function copyWhole(op: Op, { from, to, copyId }: Copying): Promise<Manifest> {
  const manifest = await readManifest(from)
  if (!manifest)
    throw new DriverError('not_found', `The volume ${path.basename(from)} is gone from its pool.`)
  // Where the volume itself came from says nothing of the copy.
  const { movedFrom: _, ...about } = manifest
  return makeCopy({ to, copyId }, async (part) => ({
    ...about,
    layers: await copyLayers(op, filesIn(from, manifest), part),
  }))
}

/** Makes the copy of a volume that lies in a pool of another kind, of what `fill` writes. */
export const copyOf = (
  to: string,
  { copyId, sizeBytes, luks }: Pick<ReceivedCopy, 'copyId' | 'sizeBytes' | 'luks'>,
  fill: (volume: Refill) => Promise<void>,
): Promise<Manifest> =>
  makeCopy({ to, copyId }, async (part) => {
    const about = { sizeBytes, ...(luks ? { luks } : {}) }
    const name = '0.raw'
    await fillFile(path.join(part, name), layerBytes(about), fill)
    return { ...about, layers: [{ name, format: 'raw' as const }] }
  })

/** `make` makes the layers in the folder `part`, which then takes its place. */
async function makeCopy(
  { to, copyId }: Pick<Copying, 'to' | 'copyId'>,
  make: (part: string) => Promise<Manifest>,
): Promise<Manifest> {
  const known = await readManifest(to)
  if (known?.copyId === copyId) return known
  demandCopy(path.basename(to), known)
  await removePart(to)
  // Also what an earlier move has left there, which is no volume any more.
  await removeWhole(to)
  const part = `${to}.part`
  try {
    await privateFolder(part)
    const made = { ...(await make(part)), copyId }
    await writeManifest(part, made)
    await finishPart(to)
    return made
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
}

async function copyLayers(op: Op, files: readonly LayerFile[], part: string): Promise<Layer[]> {
  const total = (await Promise.all(files.map(({ path: file }) => stat(file)))).reduce(
    (sum, { blocks }) => sum + blocks,
    0,
  )
  await demandSpace(part, total * 512, 'a copy of the volume')
  const layers: Layer[] = []
  for (const { path: file, format } of files) {
    const name = path.basename(file)
    const copy = path.join(part, name)
    const told = watched(op, part, total)
    try {
      await copySparse(op, file, copy)
    } finally {
      told.abort()
    }
    const isLast = layers.length === files.length - 1
    await chmod(copy, isLast ? 0o600 : 0o444)
    await syncFile(copy)
    op.progress('comparing the copy with the volume')
    // As raw bytes, which are not interpreted; unlike cmp, it leaves out the holes that both have.
    await program(op, 'qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'raw', file, copy])
    const [origin, made] = await Promise.all([stat(file), stat(copy)])
    if (origin.size !== made.size) throw new DriverError('failed', `The copy of ${file} has another size.`)
    layers.push({ name, format })
  }
  return layers
}

/** Tells every second how much is copied, until the returned controller aborts. */
function watched(op: Op, part: string, total: number): AbortController {
  const end = new AbortController()
  const tell = async () => {
    for (;;) {
      await sleep(tickMs, undefined, { signal: end.signal, ref: false })
      const names = await readdir(part)
      const done = await Promise.all(names.map((name) => stat(path.join(part, name)).catch(() => null)))
      const blocks = done.reduce((sum, one) => sum + (one?.blocks ?? 0), 0)
      op.progress(percentDone(total === 0 ? 0 : Math.min(99, Math.floor((blocks / total) * 100))))
    }
  }
  tell().catch((err: unknown) => {
    if (!end.signal.aborted) op.log.warn({ err }, 'the progress of a copy is not known')
  })
  return end
}

/** Copies a file without its holes. */
export const copySparse = (op: Op, from: string, to: string): Promise<void> =>
  program(op, 'cp', ['--sparse=always', '--reflink=auto', '--', from, to])

async function program(op: Op, file: string, args: readonly string[]): Promise<void> {
  const { failed, stderr, isCanceled, timedOut } = await runProgram(op.signal, {
    ...{
      file,
      args,
      timeoutMs: untilCancelledMs,
      maxBuffer: 64 * 1024,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    },
  })
  if (!failed) return
  const said = stderr.slice(-500)
  if (isCanceled) throw new DriverError('unavailable', 'The copy was broken off.')
  if (timedOut) throw new DriverError('failed', 'The copy took too long.')
  if (/No space left/i.test(said)) throw new DriverError('no_space', 'The pool is full.')
  throw new DriverError('failed', `${file} ${args[0]}: ${said || 'the copy differs from the volume'}`)
}
