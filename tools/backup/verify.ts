import fs from 'node:fs'
import path from 'node:path'
import { hashFile } from './files.ts'
import { backupsIn, blobFile, type Manifest, readManifest } from './format.ts'
import { Progress } from './progress.ts'

export type Backup = { folder: string; name: string; dir: string; manifest: Manifest }

/** The backup of that name, or the newest; throws a sentence when there is none. */
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
  return { folder, name: chosen, dir, manifest: readManifest(dir) }
}

/** Reads every file of the backup; throws a sentence with the names of those that are not as they were written. */
export async function verify({ folder, dir, manifest, name }: Backup): Promise<void> {
  const files = [
    ...manifest.files.map((file) => ({ ...file, file: path.join(dir, file.path), name: file.path })),
    ...manifest.blobs.map(({ id, sizeBytes }) => ({
      sizeBytes,
      sha256: id,
      file: blobFile(folder, id),
      name: `blobs/${id}`,
    })),
  ]
  const progress = new Progress(
    'Checksums',
    files.reduce((sum, file) => sum + file.sizeBytes, 0),
  )
  const wrong: string[] = []
  for (const file of files) {
    const stat = fs.lstatSync(file.file, { throwIfNoEntry: false })
    if (!stat?.isFile()) wrong.push(`${file.name} (missing)`)
    else if (stat.size !== file.sizeBytes)
      wrong.push(`${file.name} (${stat.size} bytes instead of ${file.sizeBytes})`)
    else if ((await hashFile(file.file, progress.add)).sha256 !== file.sha256)
      wrong.push(`${file.name} (other bytes)`)
  }
  if (wrong.length > 0)
    throw new Error(
      `The backup ${name} is damaged; nothing was changed. ${wrong.length} of ${files.length} files: ${wrong.slice(0, 10).join(', ')}${wrong.length > 10 ? ', …' : ''}. Take another one (--at TIME).`,
    )
  progress.end(`${files.length} files are as they were written`)
}
