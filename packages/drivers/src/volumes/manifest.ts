import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import { filesPool } from './spec.ts'

export const luksSchema = z.object({
  headerBytes: z.int().min(1),
  keyHash: z.string().regex(/^[0-9a-f]{64}$/),
})

/**
 * What the files of a volume are: its size and its layers, the oldest first. The last layer takes the writes; the others
 * never change again, and several volumes may have hard links to them, so a layer lives as long as a volume needs it.
 * Only this file says how layers belong together: a guest that has taken over its QEMU can write any name into the
 * header of a layer.
 */
const manifestSchema = z.object({
  sizeBytes: z.int().min(1),
  layers: z
    .array(z.object({ name: z.string().regex(/^\d{1,9}\.(raw|qcow2)$/), format: z.enum(['raw', 'qcow2']) }))
    .min(1),
  /**
   * The last backup of the volume: it has what the layers up to this number contain. Layers are merged on either side of this
   * border only, so that those above it have all that has changed since.
   */
  backedUp: z.object({ id: z.string(), upTo: z.int().min(0) }).optional(),
  /** Of which move the volume is the copy, until a guest gets it or its content is replaced (copy.ts). */
  copyId: z.string().optional(),
  /**
   * The layers have ciphertext: the header of LUKS, which has so many bytes, and then what the guest sees. `sizeBytes` is the
   * size that the guest sees. `keyHash` is the SHA-256 of the key.
   */
  luks: luksSchema.optional(),
  /**
   * The volume was moved into another pool while a guest had it (moving.ts), by the move `copyId`. What is here has ended, and
   * counts as no volume.
   */
  movedTo: z.object({ pool: filesPool, copyId: z.string() }).optional(),
  /**
   * From which pool such a move has brought the volume, or brings it just now, until the old data go. `host`: the pool is the
   * disk of that host, and no other host can tell what lies there.
   */
  movedFrom: filesPool.extend({ host: z.string().optional() }).optional(),
})
export type Manifest = z.output<typeof manifestSchema>
export type Layer = Manifest['layers'][number]
export type Luks = z.output<typeof luksSchema>

/** The size of the layers. */
export const layerBytes = ({ sizeBytes, luks }: Pick<Manifest, 'sizeBytes' | 'luks'>): number =>
  sizeBytes + (luks?.headerBytes ?? 0)

/** What the files of a snapshot are: layers that never change, of a volume that may be gone since. */
const snapshotSchema = manifestSchema.omit({ backedUp: true, movedTo: true, movedFrom: true }).extend({
  volumeId: z.string(),
  quiesced: z.boolean(),
  guest: z.string().nullable().default(null),
})
export type SnapshotManifest = z.output<typeof snapshotSchema>

/**
 * What is kept for a backup that is being made: layers that never change. `since` names an earlier backup,
 * and says how many of the last layers have what has changed since; null when nobody knows what has changed. `upTo` is the number of the last layer in
 * the volume; null for a backup of a snapshot.
 */
const frozenSchema = snapshotSchema.omit({ guest: true }).extend({
  upTo: z.int().min(0).nullable(),
  since: z.object({ id: z.string(), fresh: z.int().min(0) }).nullable(),
})
export type FrozenManifest = z.output<typeof frozenSchema>

const file = (dir: string) => path.join(dir, 'volume.json')

/** The manifest of the volume in that folder; null when there is no volume, or one that was moved away. */
export async function readManifest(dir: string): Promise<Manifest | null> {
  const manifest = await readAnyManifest(dir)
  return manifest?.movedTo ? null : manifest
}

/** The same, also of a volume that was moved away. */
export const readAnyManifest = (dir: string): Promise<Manifest | null> => read(dir, manifestSchema)

/** The manifest of the snapshot in that folder; null when there is no snapshot. */
export const readSnapshot = (dir: string): Promise<SnapshotManifest | null> => read(dir, snapshotSchema)

/** The manifest of what is kept for a backup in that folder; null when there is nothing. */
export const readFrozen = (dir: string): Promise<FrozenManifest | null> => read(dir, frozenSchema)

async function read<T>(dir: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(file(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (text === null) return null
  const { data } = schema.safeParse(asKept(parsed(text)))
  if (!data) throw new DriverError('failed', `${file(dir)} is damaged.`)
  return data
}

/** Replaces the manifest whole: after a crash there is the old one or the new one. */
export async function writeManifest(
  dir: string,
  manifest: Manifest | SnapshotManifest | FrozenManifest,
): Promise<void> {
  const write = await draftManifest(dir, manifest)
  await write()
}

/** Does so in two parts: the second one, which the returned function does, needs no room. Nobody else writes it in between. */
export async function draftManifest(
  dir: string,
  manifest: Manifest | SnapshotManifest | FrozenManifest,
): Promise<() => Promise<void>> {
  const draft = `${file(dir)}.tmp`
  await writeFile(draft, JSON.stringify(asWritten(manifest)), { mode: 0o600, flush: true })
  return async () => {
    await rename(draft, file(dir))
    await syncDirectory(dir)
  }
}

/**
 * The layers of an encrypted volume, and of one that was moved away, have another name in the file: an agent of before
 * encryption, or of before such moves, finds no layers, and opens nothing as if it were plain, or still the volume.
 */
function asWritten({ layers, ...about }: Manifest | SnapshotManifest | FrozenManifest): object {
  if ('movedTo' in about && about.movedTo) return { ...about, movedLayers: layers }
  return about.luks ? { ...about, encryptedLayers: layers } : { ...about, layers }
}

function asKept(written: unknown): unknown {
  if (typeof written !== 'object' || written === null) return written
  const { encryptedLayers, movedLayers, ...about } = written as Record<string, unknown>
  const layers = movedLayers ?? encryptedLayers
  return layers === undefined ? about : { ...about, layers }
}

/** Makes a folder that nobody but root may enter. */
export const privateFolder = (dir: string) => mkdir(dir, { recursive: true, mode: 0o700 })

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * Raises `conflict` for a volume that is more than a copy, in whose place a copy is to come: a restored database may name the pool
 * that the volume has left, and here is what was written since.
 */
export function demandCopy(id: string, there: Manifest | null): void {
  if (there && there.copyId === undefined)
    throw new DriverError(
      'conflict',
      `The pool has a volume ${id} already, which is no copy that was left behind.`,
    )
}
