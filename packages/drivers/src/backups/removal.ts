import {
  backupsOf,
  pieceOf,
  piecesOf,
  readDraft,
  readIndex,
  removeDraft,
  removeIndex,
  removeRecord,
} from './index-file.ts'
import type { BackupKey } from './interface.ts'
import type { BackupStore } from './store.ts'

/**
 * Removes a backup, and the pieces that no other backup of the volume needs: its own, and those that earlier removals have left
 * to it. A backup that is being made has a draft, which names the pieces that it may need; the draft is written before the
 * parent is looked at for the last time, and here the parent goes before the drafts are read. So one of the two sees the other.
 * Raises `failed`, with nothing removed, when another index is damaged, because nobody knows what that one needs.
 */
export async function removeBackupFrom(
  store: BackupStore,
  { id, volumeId }: Pick<BackupKey, 'id' | 'volumeId'>,
): Promise<void> {
  await neededBy(store, volumeId, id)
  await removeIndex(store, volumeId, id)
  await removeDraft(store, volumeId, id)
  await removeRecord(store, volumeId, id)
  const needed = await neededBy(store, volumeId, id)
  const { made, drafts, withPieces } = await backupsOf(store, volumeId)
  const living = new Set([...made, ...drafts])
  for (const owner of withPieces) if (!living.has(owner)) await sweep(store, volumeId, owner, needed)
}

/** The names of all pieces that the backups of a volume need, those that are being made included, and `except` left out. */
async function neededBy(store: BackupStore, volumeId: string, except: string): Promise<Set<string>> {
  const needed = new Set<string>()
  const { made, drafts } = await backupsOf(store, volumeId)
  for (const [ids, read] of [
    [made, async (id: string) => (await readIndex(store, volumeId, id))?.index],
    [drafts, (id: string) => readDraft(store, volumeId, id)],
  ] as const)
    for (const id of ids) {
      if (id === except) continue
      const index = await read(id)
      for (const [no, { owner }] of index?.chunks ?? []) needed.add(pieceOf(volumeId, owner, no))
    }
  return needed
}

/** Removes the pieces of a backup that is gone, except those that are needed. */
async function sweep(
  store: BackupStore,
  volumeId: string,
  owner: string,
  needed: ReadonlySet<string>,
): Promise<void> {
  const root = piecesOf(volumeId, owner)
  let isEmpty = true
  for (const folder of await store.list(root))
    for (const no of await store.list(`${root}/${folder}`)) {
      const name = `${root}/${folder}/${no}`
      if (needed.has(name)) isEmpty = false
      else await store.remove(name)
    }
  if (isEmpty) await store.remove(root)
}
