import { constants } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DriverError, isDiskFull } from '../errors.ts'
import { type Op, percentDone } from '../op.ts'
import { exportPath } from '../storage/image-store.ts'
import { jailedFiles, runJailed } from '../storage/jail.ts'
import { syncDirectory } from '../sync.ts'
import type { ExportSpec, ObservedExport } from './interface.ts'
import { type LayerFile, removeWhole } from './layer-files.ts'
import { checkLayer, defaultConverter } from './layers.ts'
import { demandSpace } from './space.ts'

/** How much a file may be larger than the disk that it describes. */
const tablesBytes = 1024 ** 3
/** An export that is older than this was left behind by a host or a control plane that is gone, in ms. */
const forgottenMs = 86_400_000

/** The file of an export, when it is complete. */
export async function exportIn(imagesDir: string, id: string): Promise<ObservedExport | null> {
  const found = await stat(exportPath(imagesDir, id)).catch(missing)
  return found && { sizeBytes: found.size }
}

/**
 * Writes layers that nobody changes any more into one file. A guest may have written them: qemu-img works in the jail, on
 * descriptors of these files alone, after the headers were checked.
 */
export async function writeExport(
  op: Op,
  imagesDir: string,
  { exportId, format }: Pick<ExportSpec, 'exportId' | 'format'>,
  { layers, sizeBytes }: { layers: readonly LayerFile[]; sizeBytes: number },
  converter: number | undefined,
): Promise<ObservedExport> {
  const file = exportPath(imagesDir, exportId)
  const part = `${file}.part`
  await mkdir(path.dirname(file), { recursive: true })
  // The api opens the file by its name, and cannot list the folder.
  await chmod(path.dirname(file), 0o711)
  await rm(part, { force: true })
  const opened: FileHandle[] = []
  try {
    for (const layer of layers) {
      if (layer.format === 'qcow2') await checkLayer(layer.path)
      opened.push(await open(layer.path, constants.O_RDONLY | constants.O_NOFOLLOW))
    }
    const found = await Promise.all(opened.map((layer) => layer.stat()))
    const bytes = found.reduce((sum, { blocks }) => sum + blocks * 512, 0)
    await demandSpace(path.dirname(file), bytes, 'an image of the volume')
    await convert(op, part, { opened, layers, format, sizeBytes, uid: converter ?? defaultConverter() })
    await give(part, await stat(path.join(imagesDir, 'blobs')).catch(missing))
    await rename(part, file)
    await syncDirectory(path.dirname(file))
    return { sizeBytes: (await stat(file)).size }
  } catch (error) {
    await rm(part, { force: true })
    throw isDiskFull(error) ? new DriverError('no_space', 'the disk is full', { cause: error }) : error
  } finally {
    for (const handle of opened) await handle.close()
  }
}

type Conversion = {
  opened: readonly FileHandle[]
  layers: readonly LayerFile[]
  format: ExportSpec['format']
  sizeBytes: number
  uid: number
}

async function convert(op: Op, part: string, { opened, layers, ...wish }: Conversion): Promise<void> {
  const source = opened.at(-1)
  if (!source) throw new DriverError('failed', 'The volume has no layers.')
  const { uid, format, sizeBytes } = wish
  const target = await open(part, 'wx', 0o600)
  try {
    await target.chown(uid, uid)
    const job = {
      ...{ uid, source: source.fd, target: target.fd, maxFileBytes: sizeBytes + tablesBytes },
      more: opened.slice(0, -1).map(({ fd }) => fd),
      onOutput: (text: string) => {
        const percent = /\((\d+)\.\d+\/100%\)\s*$/.exec(text)?.[1]
        if (percent !== undefined) op.progress(percentDone(Number(percent)))
      },
    }
    const node = `json:${JSON.stringify(nodeOf(layers, layers.length - 1))}`
    const argv = ['qemu-img', 'convert', '-p', '-O', format, '-W', '-m', '4', node, jailedFiles.target]
    await runJailed(op, job, argv).catch((error: unknown) => {
      // The tool's refusal is no fault of the caller.
      throw error instanceof DriverError && error.code === 'invalid'
        ? new DriverError('failed', error.message, { cause: error })
        : error
    })
    await target.sync()
  } finally {
    await target.close()
  }
}

/** The layer of that number with those below it, as the jailed tool opens them: the last one is its source. */
function nodeOf(layers: readonly LayerFile[], index: number): object {
  const { format } = layers[index] ?? { format: 'raw' }
  const filename = index === layers.length - 1 ? jailedFiles.source : jailedFiles.more(index)
  const file = { driver: 'file', filename, 'read-only': true, 'auto-read-only': false }
  if (format === 'raw') return { driver: format, file, 'read-only': true }
  // What a header names is never followed.
  return { driver: format, file, 'read-only': true, backing: index > 0 ? nodeOf(layers, index - 1) : null }
}

/** Gives the file to the owner of the image store, who may read it and nothing else. */
async function give(part: string, owner: { uid: number; gid: number } | null): Promise<void> {
  const file = await open(part, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await file.chmod(0o400)
    await file.chown(owner?.uid ?? 0, owner?.gid ?? 0)
  } finally {
    await file.close()
  }
}

export async function removeExportFile(imagesDir: string, id: string): Promise<void> {
  const file = exportPath(imagesDir, id)
  await rm(`${file}.part`, { force: true })
  await rm(file, { force: true })
}

/** Removes exports that nobody has removed, because their host or their control plane was gone at the end. */
export async function removeForgotten(imagesDir: string, frozen: string): Promise<void> {
  const files = path.dirname(exportPath(imagesDir, crypto.randomUUID()))
  for (const name of await oldIn(files)) await rm(path.join(files, name), { force: true })
  for (const name of await oldIn(frozen)) await removeWhole(path.join(frozen, name))
}

async function oldIn(folder: string): Promise<string[]> {
  const old: string[] = []
  for (const name of (await readdir(folder).catch(missing)) ?? []) {
    const found = await stat(path.join(folder, name)).catch(missing)
    if (found && Date.now() - found.mtimeMs > forgottenMs) old.push(name)
  }
  return old
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
