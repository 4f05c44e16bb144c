import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { uuid } from '../fields.ts'
import type { Op } from '../op.ts'
import { luksSchema } from '../volumes/manifest.ts'
import type { ObservedBackup } from './interface.ts'
import type { BackupStore } from './store.ts'

/**
 * The index of a backup: which content each chunk of the volume has, and in whose pieces the content lies. An index names the
 * content of the whole volume, also what an earlier backup has stored. The checksum of the index therefore covers
 * everything, and a backup needs no other index to be restored.
 */

/** The bytes of the volume in one chunk; the last chunk may be shorter. */
export const chunkBytes = 4 * 1024 ** 2

const indexSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  volumeId: z.string(),
  sizeBytes: z.int().min(1),
  /** The chunks have the ciphertext of a volume that was encrypted so, with its header; absent: those of a plain volume. */
  luks: luksSchema.optional(),
  quiesced: z.boolean(),
  parentId: z.string().nullable(),
  storedBytes: z.int().min(0),
  added: z.int().min(0),
  /** The backups that have stored the chunks. */
  owners: z.array(z.string()),
  /** The number of a chunk, the position of its owner in `owners`, and the SHA-256 of its bytes in base64. Other chunks are zeros. */
  chunks: z.array(z.tuple([z.int().min(0), z.int().min(0), z.string().length(44)])),
})
type IndexFile = z.output<typeof indexSchema>

/** Whose piece has the content of a chunk, and the SHA-256 of the content in base64. */
export type Chunk = { owner: string; hash: string }
export type Index = Omit<IndexFile, 'version' | 'owners' | 'chunks'> & { chunks: Map<number, Chunk> }

const indexName = (volumeId: string, id: string) => `${volumeId}/${id}.json`
/** The draft of a backup that is being made: the index of its parent, whose content it may need. */
const draftName = (volumeId: string, id: string) => `${volumeId}/${id}.draft`
/** The folder of the pieces that a backup has stored. */
export const piecesOf = (volumeId: string, id: string) => `${volumeId}/${id}`
export const pieceOf = (volumeId: string, owner: string, no: number): string =>
  `${piecesOf(volumeId, owner)}/${Math.floor(no / 1000)}/${no}`

const checksumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Writes the index, which makes the backup be there. Returns its checksum. */
export async function writeIndex(store: BackupStore, index: Index): Promise<string> {
  const bytes = encode(index)
  await store.write(indexName(index.volumeId, index.id), bytes)
  return checksumOf(bytes)
}

/** Reads an index; null when there is none. Raises `failed` when it is damaged. */
export async function readIndex(
  store: BackupStore,
  volumeId: string,
  id: string,
): Promise<{ index: Index; checksum: string } | null> {
  const bytes = await store.read(indexName(volumeId, id))
  return bytes && { index: decode(bytes, volumeId, id), checksum: checksumOf(bytes) }
}
export const removeIndex = (store: BackupStore, volumeId: string, id: string): Promise<void> =>
  store.remove(indexName(volumeId, id))

const recordName = (volumeId: string, id: string) => `${volumeId}/${id}.record`
export const writeRecord = (store: BackupStore, volumeId: string, id: string, text: string): Promise<void> =>
  store.write(recordName(volumeId, id), Buffer.from(text))
export const readRecord = async (store: BackupStore, volumeId: string, id: string): Promise<string | null> =>
  (await store.read(recordName(volumeId, id)))?.toString('utf8') ?? null
export const removeRecord = (store: BackupStore, volumeId: string, id: string): Promise<void> =>
  store.remove(recordName(volumeId, id))

/** All backups that are there. */
export async function allBackups(op: Op, store: BackupStore): Promise<{ id: string; volumeId: string }[]> {
  const found: { id: string; volumeId: string }[] = []
  const isId = (text: string) => uuid.safeParse(text).success
  for (const volumeId of (await store.list()).filter(isId)) {
    op.signal.throwIfAborted()
    const { made } = await backupsOf(store, volumeId)
    for (const id of made.filter(isId)) found.push({ id, volumeId })
  }
  return found
}

/** Says that a backup is being made that may need the content of `parent`. */
export const writeDraft = (
  store: BackupStore,
  volumeId: string,
  id: string,
  parent: Index | null,
): Promise<void> => store.write(draftName(volumeId, id), parent ? encode(parent) : new Uint8Array())
export const removeDraft = (store: BackupStore, volumeId: string, id: string): Promise<void> =>
  store.remove(draftName(volumeId, id))

/** The backups of a volume that are there, those that are being made, and those that have pieces. */
export async function backupsOf(store: BackupStore, volumeId: string) {
  const names = await store.list(volumeId)
  const ending = (suffix: string) =>
    names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
  return {
    made: ending('.json'),
    drafts: ending('.draft'),
    withPieces: names.filter((name) => !name.includes('.')),
  }
}

/** The pieces that a draft may need. */
export async function readDraft(store: BackupStore, volumeId: string, id: string): Promise<Index | null> {
  const bytes = await store.read(draftName(volumeId, id))
  return bytes === null || bytes.length === 0 ? null : decode(bytes, volumeId)
}

export const observedOf = ({ index, checksum }: { index: Index; checksum: string }): ObservedBackup => {
  const { id, volumeId, sizeBytes, storedBytes, quiesced, parentId, added } = index
  return { id, volumeId, sizeBytes, storedBytes, chunks: added, quiesced, parentId, checksum }
}

function encode({ chunks, ...index }: Index): Buffer {
  const owners = [...new Set([...chunks.values()].map(({ owner }) => owner))]
  const positions = new Map(owners.map((owner, position) => [owner, position]))
  const file: IndexFile = {
    version: 1,
    ...index,
    owners,
    chunks: [...chunks]
      .toSorted(([a], [b]) => a - b)
      .map(([no, { owner, hash }]) => [no, positions.get(owner) ?? 0, hash]),
  }
  return Buffer.from(JSON.stringify(file))
}

/** Without `id`, the index of any backup of the volume is right. */
function decode(bytes: Buffer, volumeId: string, id?: string): Index {
  const { data } = indexSchema.safeParse(parsed(bytes))
  if (!data || data.volumeId !== volumeId || (id !== undefined && data.id !== id))
    throw new DriverError(
      'failed',
      `The index of the backup ${id ?? `of the volume ${volumeId}`} is damaged.`,
    )
  const { version: _, owners, chunks, ...index } = data
  const known = new Map<number, Chunk>()
  for (const [no, position, hash] of chunks) {
    const owner = owners[position]
    if (owner === undefined) throw new DriverError('failed', `The index of the backup ${data.id} is damaged.`)
    known.set(no, { owner, hash })
  }
  return { ...index, chunks: known }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}
