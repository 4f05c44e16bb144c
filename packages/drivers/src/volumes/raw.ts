import type { FileHandle } from 'node:fs/promises'
import type { Op } from '../op.ts'
import { jailedFiles, readJailed } from '../storage/jail.ts'
import { defaultConverter, lent } from './layers.ts'
import type { LayerPart } from './qcow2.ts'

/** The longest description of the holes of a file, in bytes: about half a million of them. */
const mostBytes = 64 * 1024 ** 2

/**
 * Returns a function that says which parts of a range of a raw file hold data, in order; what it leaves out is zeros.
 * `converter` is the user id for image tools.
 */
export async function rawParts(
  op: Op,
  handle: FileHandle,
  converter: number | undefined,
): Promise<(at: number, length: number) => Promise<LayerPart[]>> {
  const runs = await runsOf(op, handle, converter ?? defaultConverter())
  return async (at, length) => {
    const end = at + length
    const found: LayerPart[] = []
    for (let n = firstBehind(runs, at); n < runs.length; n += 1) {
      const run = runs[n]
      if (!run || run.at >= end) break
      const begin = Math.max(at, run.at)
      found.push({ at: begin, length: Math.min(end, run.at + run.length) - begin, from: begin })
    }
    return found
  }
}

type Run = { at: number; length: number }

/** The index of the first run that ends behind `at`. */
function firstBehind(runs: readonly Run[], at: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const run = runs[middle]
    if (run && run.at + run.length <= at) low = middle + 1
    else high = middle
  }
  return low
}

async function runsOf(op: Op, handle: FileHandle, uid: number): Promise<Run[]> {
  // -U: QEMU may have the file open, which nobody writes any more.
  const argv = ['qemu-img', 'map', '-U', '-f', 'raw', '--output=json', jailedFiles.source]
  const map = () => readJailed(op, { uid, source: handle.fd }, argv, mostBytes)
  // The last layer of a volume without a guest is for root alone.
  const isPrivate = ((await handle.stat()).mode & 0o004) === 0
  const said = isPrivate ? await lent(handle, uid, map) : await map()
  // A file with more holes is read as a whole, which takes longer and is as right.
  if (said === null) return [{ at: 0, length: (await handle.stat()).size }]
  const runs = JSON.parse(said) as { start: number; length: number; data: boolean }[]
  return runs.filter(({ data }) => data).map(({ start, length }) => ({ at: start, length }))
}
