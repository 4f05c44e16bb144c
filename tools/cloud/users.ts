import { execFileSync } from 'node:child_process'
import fs from 'node:fs'

export type SystemUser = { name: string; uid: number; gid: number }
/** The users of our processes; only the agent and the supervisor are root. */
export type ServiceUsers = { api: SystemUser; web: SystemUser; console: SystemUser }

export const serviceUsers = (): ServiceUsers => ({
  api: systemUser('stratolith-api'),
  web: systemUser('stratolith-web'),
  console: systemUser('stratolith-console'),
})

/** A system user with a group of its own, without a home and a shell; made when missing. */
export function systemUser(name: string): SystemUser {
  const known = passwdEntry(name)
  if (known) return known
  try {
    execFileSync(
      'useradd',
      [
        '--system',
        '--user-group',
        '--no-create-home',
        '--home-dir=/nonexistent',
        '--shell=/usr/sbin/nologin',
        name,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
  } catch (error) {
    // Another cloud on this machine may have made the user at the same moment.
    if (!passwdEntry(name))
      throw new Error(
        `The system user “${name}” could not be made: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}`,
      )
  }
  const made = passwdEntry(name)
  if (!made) throw new Error(`The user “${name}” was made, but this machine does not know it.`)
  return made
}

function passwdEntry(name: string): SystemUser | null {
  const line = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : null
}
