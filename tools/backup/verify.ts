import fs from 'node:fs'
import path from 'node:path'
import { within } from './beneath.ts'
import type { Dump } from './database.ts'
import { hashFile } from './files.ts'
import { backupsIn, type Manifest, readManifest } from './format.ts'
import { refuseForeign } from './holds.ts'
import { Progress } from './progress.ts'

export type Backup = { folder: string; name: string; dir: string; manifest: Manifest }

/** The backup of that name, or the newest; throws a sentence when there is none, or when it contains anything that no backup contains. */
export function chooseBackup(folder: string, name: string | undefined): Backup {
  const all = fs.existsSync(folder) ? backupsIn(folder) : []
  const chosen = name ?? all.at(-1)
  if (chosen === undefined || !all.includes(chosen))
    throw new Error(
      all.length === 0
        ? `${folder} holds no whole backup.`
        : `${folder} holds no backup ${name}. It holds: ${all.join(', ')}`,
    )
  const dir = path.join(folder, chosen)
  const manifest = readManifest(dir)
  refuseForeign(chosen, manifest)
  return { folder, name: chosen, dir, manifest }
}

/** Refuses a dump with a table that the manifest does not name, because such a table has no checksum. */
export function refuseUnnamed({ name, manifest }: Backup, dump: Dump): void {
  const named = new Set(manifest.files.map((file) => file.path))
  const wanted = dump.tables.map((table) => `database/${table.schema}.${table.name}.copy.gz`)
  const missing = ['database/database.json', ...wanted].find((file) => !named.has(file))
  if (missing !== undefined)
    throw new Error(`The manifest of ${name} does not name ${missing}. Take another one (--at TIME).`)
}

/** Reads every file of the backup; throws a sentence with the names of files whose checksum is wrong. */
export async function verify({ folder, manifest, name }: Backup): Promise<void> {
  const files = [
    ...manifest.files.map((file) => ({ ...file, file: `${name}/${file.path}`, name: file.path })),
    ...manifest.blobs.map(({ id, sizeBytes }) => ({
      ...{ sizeBytes, sha256: id, file: `blobs/${id}`, name: `blobs/${id}` },
    })),
  ]
  const progress = new Progress(
    'Checksums',
    files.reduce((sum, file) => sum + file.sizeBytes, 0),
  )
  const wrong: string[] = []
  for (const file of files) {
    const why = await within(folder, file.file, (place) => faultOf(place, file, progress)).catch(orMissing)
    if (why !== null) wrong.push(`${file.name} (${why})`)
  }
  if (wrong.length > 0)
    throw new Error(
      `The backup ${name} is damaged; nothing was changed. ${wrong.length} of ${files.length} files: ${wrong.slice(0, 10).join(', ')}${wrong.length > 10 ? ', …' : ''}. Take another one (--at TIME).`,
    )
  progress.end(`${files.length} files are as they were written`)
}

async function faultOf(
  place: string,
  { sizeBytes, sha256 }: { sizeBytes: number; sha256: string },
  progress: Progress,
): Promise<string | null> {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false })
  if (!stat?.isFile()) return 'missing'
  if (stat.size !== sizeBytes) return `${stat.size} bytes instead of ${sizeBytes}`
  return (await hashFile(place, progress.add)).sha256 === sha256 ? null : 'other bytes'
}

function orMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'missing'
  throw error
}
