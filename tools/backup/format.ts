import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'

/**
 * A folder of backups of one cloud:
 *   backups.json                 which cloud
 *   blobs/<SHA-256>              image bytes, shared by all backups in the folder
 *   <time>/manifest.json         the contents of one backup, each file with size and SHA-256; written last
 *   <time>/database/…            tools/backup/database.ts
 *   <time>/files/…               secrets, settings, records of hosts and guests, as in the data folder (holds.ts)
 *   <time>/disks/<host>/<instance>/<disk>.qcow2   an overlay alone; its base is made from a blob
 *   <time>/bases/<SHA-256>.raw   a base whose image is gone
 *   <time>.part/journal.ndjson   the complete files of a backup under way, one on each line
 */
export const formatVersion = 1

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const id = z.uuid()
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
/** A path below the backup's own folder. */
const place = z
  .string()
  .max(1024)
  .refine((text) => !text.startsWith('/') && !text.split('/').includes('..'), 'a path that leads out')

const fileSchema = z.object({
  path: place,
  sizeBytes: z.number().int().min(0),
  sha256,
  /** The stamp of the original, if the file did not change: a later backup that finds the same stamp uses this copy. */
  stamp: z.string().optional(),
})
export type BackedFile = z.infer<typeof fileSchema>

const factsSchema = z.object({
  /** The moment of the database's snapshot. */
  at: z.string(),
  /** The short id of the cloud, which is part of kernel names on its machines. */
  cloud: z.string(),
  /** The id of the cloud in the database; null in databases from before there was such an id. */
  cloudId: z.string().nullable(),
  hosts: z.array(z.object({ id, name, endpoint: z.string() })),
  instances: z.array(
    z.object({
      ...{ id, name: z.string(), hostId: id, vmState: z.string() },
      /** The size of the disk that the guest sees; absent in older backups. */
      diskGib: z.number().optional(),
      /** The ephemeral and swap disks; absent in older backups. */
      localDisks: z.array(z.object({ id, sizeMib: z.number() })).optional(),
    }),
  ),
  blobs: z.array(
    z.object({
      id: sha256,
      format: z.enum(['raw', 'qcow2']),
      virtualBytes: z.number(),
      imageName: z.string(),
    }),
  ),
})
export type Facts = z.infer<typeof factsSchema>

const diskSchema = z.object({
  host: name,
  instanceId: id,
  diskId: id,
  /** The blob of which the disk's base was made; null for a disk without a base. */
  base: sha256.nullable(),
  path: place,
  at: z.string(),
  /** Whether the guest ran during the copy. */
  live: z.boolean(),
})
export type BackedDisk = z.infer<typeof diskSchema>

const manifestSchema = z.object({
  format: z.literal(formatVersion),
  software: z.string(),
  finishedAt: z.string(),
  facts: factsSchema,
  files: z.array(fileSchema),
  blobs: z.array(z.object({ id: sha256, sizeBytes: z.number().int() })),
  disks: z.array(diskSchema),
  notes: z.array(z.string()),
})
export type Manifest = z.infer<typeof manifestSchema>

export const blobFile = (folder: string, blobId: string): string => path.join(folder, 'blobs', blobId)
const manifestFile = (dir: string) => path.join(dir, 'manifest.json')
const timeName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/

/** The names of the complete backups in a folder, oldest first. */
export function backupsIn(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((entry) => timeName.test(entry) && fs.existsSync(manifestFile(path.join(folder, entry))))
    .sort()
}

/** Writes the manifest and, beside it, its checksum. */
export function writeManifest(dir: string, manifest: Manifest): void {
  const text = `${JSON.stringify(manifest, null, 1)}\n`
  writeDurably(manifestSum(dir), `${sumOf(text)}\n`)
  writeDurably(manifestFile(dir), text)
}
const manifestSum = (dir: string) => path.join(dir, 'manifest.sha256')
const sumOf = (text: string) => crypto.createHash('sha256').update(text).digest('hex')

/** Reads the manifest; throws a sentence when it is damaged or has another format. */
export function readManifest(dir: string): Manifest {
  const text = fs.readFileSync(manifestFile(dir), 'utf8')
  const sum = fs.existsSync(manifestSum(dir)) ? fs.readFileSync(manifestSum(dir), 'utf8').trim() : ''
  if (sum !== sumOf(text)) throw new Error(`${manifestFile(dir)} is damaged. Take another backup.`)
  const { format } = JSON.parse(text) as { format?: unknown }
  if (format !== formatVersion)
    throw new Error(
      `This backup has format ${String(format)}, this checkout reads ${formatVersion}. Take the version of Stratolith that made it.`,
    )
  return manifestSchema.parse(JSON.parse(text))
}

export const readFacts = (file: string): Facts | null =>
  fs.existsSync(file) ? factsSchema.parse(JSON.parse(fs.readFileSync(file, 'utf8'))) : null

/** Writes a file that is complete or absent, also after a loss of power. */
export function writeDurably(file: string, text: string): void {
  const draft = `${file}.tmp`
  fs.writeFileSync(draft, text, { mode: 0o600, flush: true })
  fs.renameSync(draft, file)
  syncFolder(path.dirname(file))
}

export function syncFolder(dir: string): void {
  const handle = fs.openSync(dir, 'r')
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

/** When the last file of a backup under way was complete, in milliseconds since 1970; the present time when none is. */
export const lastWritten = (dir: string): number =>
  fs.statSync(path.join(dir, 'journal.ndjson'), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()

/** The list of complete files of a backup under way. A line that was cut off does not count. */
export class Journal {
  readonly #file: string
  readonly files = new Map<string, BackedFile>()

  constructor(dir: string) {
    this.#file = path.join(dir, 'journal.ndjson')
    if (!fs.existsSync(this.#file)) return
    const lines = fs.readFileSync(this.#file, 'utf8').split('\n')
    // A line without an end was not written completely.
    lines.pop()
    for (const line of lines) {
      const read = fileSchema.safeParse(parseOrNull(line))
      if (!read.success) continue
      const there = fs.statSync(path.join(dir, read.data.path), { throwIfNoEntry: false })
      if (there?.size === read.data.sizeBytes) this.files.set(read.data.path, read.data)
    }
    fs.writeFileSync(this.#file, [...this.files.values()].map((one) => `${JSON.stringify(one)}\n`).join(''), {
      mode: 0o600,
      flush: true,
    })
  }

  add(file: BackedFile): void {
    fs.appendFileSync(this.#file, `${JSON.stringify(file)}\n`, { mode: 0o600, flush: true })
    this.files.set(file.path, file)
  }
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
