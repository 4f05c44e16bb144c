import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type Places, secret } from './paths.ts'
import type { ServiceUsers, SystemUser } from './users.ts'

/**
 * Gives every folder and file of a cloud to whom it belongs, at every start: also those of an earlier
 * version, where everything was root's. Where one of our users can write, no link is followed.
 *
 * PostgreSQL and the guests run as users of their own, so folders are passable for “others”. A process
 * that has no business in one is kept out as its group, which has no rights at all: web from all of
 * the data, console-proxy from the images.
 */
export function takeOver(where: Places, { api, web, console: proxy }: ServiceUsers): void {
  folder(where.data, 0, web.gid, 0o705)
  folder(where.run, 0, 0, 0o711)
  folder(where.logs, 0, 0, 0o700)
  folder(where.cache, 0, 0, 0o755)
  folder(workerDir(where), api.uid, api.gid, 0o700)
  folder(path.join(where.data, 'hosts'), 0, 0, 0o711)
  takeSecrets(where, api)
  takeImages(path.join(where.data, 'images'), api, proxy)
  for (const name of ['policy.yaml', 'ldap.yaml']) shareFile(path.join(where.data, name), api)
}

/** Here the worker, which serves no port, has the socket that says whether it is well. */
export const workerDir = (where: Places): string => path.join(where.run, 'worker')

/** Processes are told their secrets by their environment; files are for those who read them. */
function takeSecrets(where: Places, api: SystemUser): void {
  folder(where.secrets, 0, api.gid, 0o710)
  // One secret for all, of an earlier version.
  fs.rmSync(path.join(where.secrets, 'internal'), { force: true })
  secret(where, 'credential.key', () => crypto.randomBytes(32).toString('base64'))
  for (const name of fs.readdirSync(where.secrets)) {
    const file = path.join(where.secrets, name)
    // A directory's password is named by the operator, in ldap.yaml.
    if (name === 'credential.key' || name.startsWith('ldap')) shareFile(file, api)
    else if (fs.lstatSync(file).isFile()) fs.chmodSync(file, 0o600)
  }
}

/** Root's, and readable for the api. A link is left to the operator who made it. */
function shareFile(file: string, api: SystemUser): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) return
  fs.chownSync(file, stat.uid, api.gid)
  fs.chmodSync(file, (stat.mode & 0o600) | 0o040)
}

/** Uploads are the api's, bases for guests the agent's. */
function takeImages(images: string, api: SystemUser, proxy: SystemUser): void {
  folder(images, 0, proxy.gid, 0o701)
  folder(path.join(images, 'bases'), 0, 0, 0o700)
  folder(path.join(images, 'trash'), api.uid, api.gid, 0o700)
  for (const name of ['staging', 'blobs']) {
    const dir = path.join(images, name)
    folder(dir, api.uid, api.gid, 0o700)
    for (const entry of fs.readdirSync(dir)) takeBlob(path.join(dir, entry), api, path.join(images, 'bases'))
  }
}

/**
 * The api may write in this folder and could have put something else here: only a plain file of root's
 * is taken, that has no other name than that of its base.
 */
function takeBlob(file: string, api: SystemUser, bases: string): void {
  const seen = fs.lstatSync(file, { throwIfNoEntry: false })
  if (!seen?.isFile() || seen.uid === api.uid) return
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  try {
    const stat = fs.fstatSync(fd)
    const base = fs.lstatSync(path.join(bases, `${path.basename(file)}.raw`), { throwIfNoEntry: false })
    const names = base?.ino === stat.ino && base.dev === stat.dev ? 2 : 1
    if (stat.isFile() && stat.uid === 0 && stat.nlink === names) fs.fchownSync(fd, api.uid, api.gid)
    else console.error(`  ! ${file} is not a file that this cloud made; it was left as it is.`)
  } finally {
    fs.closeSync(fd)
  }
}

/** Only root can write where these are, so one that is a link is the operator's wish. */
function folder(dir: string, uid: number, gid: number, mode: number): void {
  fs.mkdirSync(dir, { recursive: true, mode })
  fs.chownSync(dir, uid, gid)
  fs.chmodSync(dir, mode)
}
