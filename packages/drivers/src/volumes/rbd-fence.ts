import { z } from 'zod'
import { DriverError } from '../errors.ts'
import type { Op } from '../op.ts'
import { type Ceph, errnos, isErrno } from './ceph.ts'
import { orNull } from './rbd-images.ts'

/**
 * How Ceph takes nothing more from a server that must not write any longer: its address, which no other program ever has, is
 * on the blocklist of the cluster. Ceph's exclusive lock of an image is no protection by itself, because a server that has it
 * gives it to every other server that asks.
 *
 * A server's address is found in three places: among those who watch the image, which a server does from its start and until
 * it has not been heard for 30 s; with the exclusive lock, which a server gets with its first write; and in a note of its host,
 * which is there before a guest reaches the server. Without the note, a server that was cut off from the cluster for a while
 * would come back as a second writer.
 */
const header = (imageId: string): string => `rbd_header.${imageId}`
const note = (host: string): string => `stratolith.clients.${host}`
const cephLock = 'rbd_lock'
/** As long as a machine may be off that somebody switches on again. Each entry takes some bytes of the cluster's map. */
const blockedS = 365 * 86_400

const locksSchema = z.object({
  lockers: z.array(z.object({ name: z.string(), cookie: z.string(), addr: z.string() })).default([]),
})
/** An address as Ceph tells it, with the number that makes it that of one program. */
const address = /^[^\s/]+\/\d+$/

const rados = (ceph: Ceph, op: Op, ...args: string[]): Promise<string> =>
  ceph.run(op, 'rados', ['-p', ceph.pool.pool, ...args])

async function watchersOf(ceph: Ceph, op: Op, imageId: string): Promise<string[]> {
  const said = (await orNull(rados(ceph, op, 'listwatchers', header(imageId)))) ?? ''
  return [...said.matchAll(/^watcher=(\S+) /gm)].flatMap(([, one]) => one ?? [])
}

/**
 * Fences every server of the image, and every other program that has it open for writing. With `host`, the servers of this host
 * have ended, so only those are fenced that Ceph has not missed yet. `isAllowed` is asked when it is known who will be
 * fenced: a host that has lost the image meanwhile must not fence the server of the next one.
 */
export async function fence(
  ceph: Ceph,
  op: Op,
  imageId: string,
  { host, isAllowed = async () => true }: { host?: string; isAllowed?: () => Promise<boolean> } = {},
): Promise<void> {
  const [watchers, locks, notes] = await Promise.all([
    watchersOf(ceph, op, imageId),
    orNull(
      ceph.json(op, locksSchema, 'rados', [
        ...['-p', ceph.pool.pool, 'lock', 'info', header(imageId), cephLock],
      ]),
    ),
    notesOf(ceph, op, imageId, host),
  ])
  const lockers = locks?.lockers ?? []
  const all = new Set([
    ...watchers,
    ...lockers.map(({ addr }) => addr),
    ...notes.flatMap((one) => one.clients),
  ])
  if (!(await isAllowed()))
    throw new DriverError('conflict', 'Ceph says that this host does not have the volume any more.')
  for (const one of all) {
    if (!address.test(one)) throw new DriverError('failed', `Ceph has a writer without an address: ${one}`)
    await ceph.run(op, 'ceph', ['osd', 'blocklist', 'add', one, String(blockedS)])
  }
  // The next server would wait for the lock of a fenced one.
  for (const { name, cookie } of lockers) {
    const words = ['lock', 'break', header(imageId), cephLock, name, '--lock-cookie', cookie]
    await orNull(rados(ceph, op, ...words))
  }
  for (const { name } of notes) await removeNote(ceph, op, imageId, name)
}

type Note = { name: string; clients: string[] }

/** The notes of all hosts but that one. */
async function notesOf(ceph: Ceph, op: Op, imageId: string, but: string | undefined): Promise<Note[]> {
  const said = (await orNull(rados(ceph, op, 'listxattr', header(imageId)))) ?? ''
  const names = said.split('\n').filter((name) => name.startsWith(note('')) && name !== note(but ?? ''))
  const notes: Note[] = []
  for (const name of names) {
    const text = await withoutNote(rados(ceph, op, 'getxattr', header(imageId), name))
    if (text) notes.push({ name, clients: text.trim().split(' ').filter(Boolean) })
  }
  return notes
}

/** Notes for others which addresses the servers have that this host has started, as long as the note is there. */
export async function noteServers(ceph: Ceph, op: Op, imageId: string, host: string): Promise<void> {
  const clients = await watchersOf(ceph, op, imageId)
  if (clients.length === 0)
    throw new DriverError('unavailable', 'The server of a volume has lost its way to the Ceph cluster.')
  await rados(ceph, op, 'setxattr', header(imageId), note(host), clients.join(' '))
}

/** The servers of this host have ended. */
export const forgetServers = (ceph: Ceph, op: Op, imageId: string, host: string): Promise<void> =>
  removeNote(ceph, op, imageId, note(host))

const removeNote = async (ceph: Ceph, op: Op, imageId: string, name: string): Promise<void> => {
  await withoutNote(rados(ceph, op, 'rmxattr', header(imageId), name))
}

/** Null when there is no such image or no such note. */
async function withoutNote(work: Promise<string>): Promise<string | null> {
  try {
    return await work
  } catch (error) {
    if (isErrno(error, errnos.noEntry, errnos.noData)) return null
    throw error
  }
}
