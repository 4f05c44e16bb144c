import fs from 'node:fs'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '../..')

/** The folders of a cloud; ownership.ts sets their owners and modes. */
export type Places = { data: string; run: string; logs: string; secrets: string; cache: string }

/**
 * The data folder: $STRATOLITH_DATA or .stratolith in the checkout. PostgreSQL and QEMU run as
 * users of their own and must be able to reach it. When a folder above is closed to them (a
 * 0700 home) and STRATOLITH_DATA is not set, /var/lib/stratolith is used and `moved` says so.
 */
export function places(env: NodeJS.ProcessEnv = process.env): Places & { moved: string | null } {
  const wanted = path.resolve(root, env.STRATOLITH_DATA ?? '.stratolith')
  const closed = closedParent(wanted)
  if (closed && env.STRATOLITH_DATA)
    throw new Error(
      `Other users cannot enter ${closed}, and PostgreSQL and the guests run as users of their own. Type “chmod o+x ${closed}”, or set STRATOLITH_DATA to a folder they can reach.`,
    )
  const data = closed ? '/var/lib/stratolith' : wanted
  return {
    data,
    run: path.join(data, 'run'),
    logs: path.join(data, 'logs'),
    secrets: path.join(data, 'secrets'),
    cache: path.join(data, 'cache'),
    moved: closed ? `${closed} is closed to other users, so the data goes to ${data}.` : null,
  }
}

/** The endpoint of the agent of a host with this data folder. */
export const endpointOf = (where: Pick<Places, 'data'>, host: string): string =>
  `unix:${path.join(where.data, 'hosts', host, 'agent.sock')}`

/** The nearest folder above `file` that other users may not enter; null when all are open. */
export function closedParent(file: string): string | null {
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    if (fs.existsSync(dir) && (fs.statSync(dir).mode & 0o001) === 0) return dir
    if (dir === path.dirname(dir)) return null
  }
}

export function makePlaces(where: Places): void {
  try {
    fs.mkdirSync(where.data, { recursive: true, mode: 0o755 })
    for (const dir of [where.run, where.logs, where.secrets, where.cache])
      fs.mkdirSync(dir, { recursive: true })
  } catch (error) {
    throw new Error(
      `The data folder ${where.data} cannot be written (${(error as NodeJS.ErrnoException).code}). Choose another with STRATOLITH_DATA.`,
    )
  }
}

/** A secret that is made once and kept (0600). */
export function secret(where: Places, name: string, make: () => string): string {
  const file = path.join(where.secrets, name)
  if (!fs.existsSync(file)) fs.writeFileSync(file, make(), { mode: 0o600 })
  return fs.readFileSync(file, 'utf8').trim()
}

/** Writes a file that is complete or absent, also after a loss of power. */
export function writeAtomically(file: string, text: string, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.tmp`
  fs.writeFileSync(temporary, text, { mode, flush: true })
  fs.renameSync(temporary, file)
}
