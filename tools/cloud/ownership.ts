import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type Places, secret } from './paths.ts'
import type { ServiceUsers, SystemUser } from './users.ts'

/**
 * Sets the owner of every folder and file of a cloud at every start, also those of an earlier
 * version, where root owned everything. No link is followed where one of our users can write.
 *
 * PostgreSQL and the guests run as users of their own, so “others” may pass the folders. A process that must not
 * enter a folder is the folder's group, which has no rights: web for the whole data folder, console-proxy for the
 * images.
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

/** The folder with the socket of the worker's health check; the worker serves no port. */
export const workerDir = (where: Places): string => path.join(where.run, 'worker')

/** Sets the owners of secrets. Processes get their secrets in their environment, except the api, which reads some files. */
function takeSecrets(where: Places, api: SystemUser): void {
  folder(where.secrets, 0, api.gid, 0o710)
  // The secret that all processes shared in an earlier version.
  fs.rmSync(path.join(where.secrets, 'internal'), { force: true })
  secret(where, 'credential.key', () => crypto.randomBytes(32).toString('base64'))
  for (const name of fs.readdirSync(where.secrets)) {
    const file = path.join(where.secrets, name)
    // The operator's ldap.yaml names a file with the directory's password.
    if (name === 'credential.key' || name.startsWith('ldap')) shareFile(file, api)
    else if (fs.lstatSync(file).isFile()) fs.chmodSync(file, 0o600)
  }
}

/** Makes a file root's and readable for the api. A link is left alone, because the operator made it. */
function shareFile(file: string, api: SystemUser): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) return
  fs.chownSync(file, stat.uid, api.gid)
  fs.chmodSync(file, (stat.mode & 0o600) | 0o040)
}

/** Gives uploads to the api and bases to the agent (root). */
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
 * Gives a blob to the api. The api may write in this folder and could have put another file here, so only a plain file of
 * root is accepted that has no other hard link than its base.
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

/** Makes a folder with owner and mode. Only root can write in its parent, so a link here was made by the operator. */
function folder(dir: string, uid: number, gid: number, mode: number): void {
  fs.mkdirSync(dir, { recursive: true, mode })
  fs.chownSync(dir, uid, gid)
  fs.chmodSync(dir, mode)
}
