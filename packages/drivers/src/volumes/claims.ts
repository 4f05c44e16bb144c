import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { DriverError } from '../errors.ts'
import { syncDirectory } from '../sync.ts'
import { createTurns } from '../turns.ts'
import type { PoolSpec } from './interface.ts'
import { foldersOf } from './pool-folders.ts'

/**
 * Who may change a volume or snapshot of a pool that several hosts see. A file in owners/ names the host, and the guest
 * that has the volume; for the time of one call there is no guest. The file is made by link(), which succeeds for one
 * host alone, also over NFS. So two hosts never write one file, whatever the control plane believes.
 */
export type Claims = {
  /** The name of this host. */
  host: string
  /** Runs `work` while no other host changes the volume or snapshot. Raises `conflict` when another host has it. */
  during<T>(pool: PoolSpec, id: string, work: () => Promise<T>): Promise<T>
  /** Makes a guest of this host the owner of the volume. Raises `conflict` when another guest has the volume. */
  take(pool: PoolSpec, id: string, guestId: string): Promise<void>
  /** Ends this. */
  giveBack(pool: PoolSpec, id: string, guestId: string): Promise<void>
  /** Ends what calls of this host that were cut off have claimed, once in the life of this process. */
  tidy(pool: PoolSpec): Promise<void>
  /** Ends all claims of another host, which is off for sure, and returns the guests that had them. */
  disown(pool: PoolSpec, host: string): Promise<string[]>
}

const schema = z.object({ host: z.string(), guest: z.string().nullable() })
type Owner = z.output<typeof schema>

export function createClaims(dir: string, host: string): Claims {
  const inTurn = createTurns()
  /** The pools in which the claims of an earlier process of this host are removed already. */
  const tidied = new Set<string>()
  const folderOf = (pool: PoolSpec) => path.join(foldersOf(dir, pool).root, 'owners')
  const isShared = (pool: PoolSpec) => pool.driver === 'files' && pool.shared === true

  /** Writes the owner, unless another host or another guest is it. */
  async function claim(pool: PoolSpec, id: string, guest: string | null): Promise<void> {
    const folder = folderOf(pool)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = path.join(folder, id)
    const draft = path.join(folder, `.${host}-${crypto.randomUUID()}`)
    await writeFile(draft, JSON.stringify({ host, guest }), { mode: 0o600, flush: true })
    try {
      await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
        refuseOther(await ownerIn(file), id, guest)
        // It was this host's already: of the same guest, or left by a call that was cut off.
        await rename(draft, file)
      })
      await syncDirectory(folder)
    } finally {
      await rm(draft, { force: true })
    }
  }
  function refuseOther(owner: Owner | null, id: string, guest: string | null): void {
    if (owner === null)
      throw new DriverError('unavailable', `The owner of the volume ${id} changes just now.`)
    const { host: other, guest: has } = owner
    if (other !== host)
      throw new DriverError(
        'conflict',
        has
          ? `The guest ${has} on the host ${other} has the volume ${id}.`
          : `The host ${other} works on ${id}.`,
      )
    if (has !== null && has !== guest)
      throw new DriverError('conflict', `The guest ${has} has the volume ${id}.`)
  }
  async function tidy(pool: PoolSpec): Promise<void> {
    if (!isShared(pool) || tidied.has(pool.id)) return
    await forget(pool, (owner) => owner.host === host && owner.guest === null)
    tidied.add(pool.id)
  }
  async function forget(pool: PoolSpec, which: (owner: Owner) => boolean): Promise<string[]> {
    const folder = folderOf(pool)
    const guests: string[] = []
    for (const name of await readdir(folder).catch(none)) {
      const owner = name.startsWith('.') ? null : await ownerIn(path.join(folder, name))
      if (owner === null || !which(owner)) continue
      if (owner.guest !== null) guests.push(owner.guest)
      await rm(path.join(folder, name), { force: true })
    }
    return guests
  }
  return {
    host,
    tidy,
    async during(pool, id, work) {
      if (!isShared(pool)) return work()
      await tidy(pool)
      const file = path.join(folderOf(pool), id)
      return inTurn(`${pool.id} ${id}`, async () => {
        const owner = await ownerIn(file)
        // A guest of this host has the volume: its owner stays what it is, and the turns of the host are enough.
        if (owner?.host === host && owner.guest !== null) return work()
        await claim(pool, id, null)
        try {
          return await work()
        } finally {
          await rm(file, { force: true })
        }
      })
    },
    async take(pool, id, guestId) {
      if (!isShared(pool)) return
      await tidy(pool)
      await inTurn(`${pool.id} ${id}`, () => claim(pool, id, guestId))
    },
    async giveBack(pool, id, guestId) {
      if (!isShared(pool)) return
      const file = path.join(folderOf(pool), id)
      const owner = await ownerIn(file)
      if (owner?.host === host && owner.guest === guestId) await rm(file, { force: true })
    },
    async disown(pool, other) {
      if (!isShared(pool)) return []
      if (other === host) throw new DriverError('invalid', 'A host that answers is not off.')
      return forget(pool, (owner) => owner.host === other)
    },
  }
}

/** Null when nobody is the owner. */
async function ownerIn(file: string): Promise<Owner | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const { data } = schema.safeParse(jsonIn(text))
  if (!data) throw new DriverError('failed', `${file} is damaged.`)
  return data
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
