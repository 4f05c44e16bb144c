import fs from 'node:fs'
import path from 'node:path'
import { closedParent, root } from './paths.ts'
import type { SystemUser } from './users.ts'

/** The folders and files of a checkout that our processes read. */
const code = [
  'apps',
  'packages',
  'prisma',
  'docs',
  'node_modules',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
]
/** Where a process sees the code of a checkout that its user cannot enter. */
const seenAt = '/run/stratolith-code'

/**
 * Mounts the code ($1 names its folder) at $2, in a mount namespace of this process alone, and
 * then runs the command that follows. The script is constant: all that varies comes as parameters.
 */
const showCode = `
mount -t tmpfs -o mode=755,nosuid,nodev code "$2" || exit 1
for name in ${code.join(' ')}; do
  if [ -d "$1/$name" ]; then mkdir "$2/$name"; else : > "$2/$name"; fi
  mount --bind "$1/$name" "$2/$name" || exit 1
done
cd "$2" && shift 2 && exec "$@"`

/** The command line that becomes that user for good, without other groups and privileges. */
export function dropTo({ uid, gid }: { uid: number; gid: number }, { lowPort = false } = {}): string[] {
  const only = lowPort ? ',+net_bind_service' : ''
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--no-new-privs',
    `--inh-caps=-all${only}`,
    `--ambient-caps=-all${only}`,
    `--bounding-set=-all${only}`,
    '--',
  ]
}

/**
 * The command line that runs a program of ours (`args` are Node's, with names relative to the
 * checkout) as a system user, without other groups and without privileges or a way to get any. A program that
 * serves a port below 1024 keeps the right to that alone.
 */
export function commandOf(
  user: SystemUser | null,
  args: readonly string[],
  { lowPort = false, checkout = root, node = process.execPath } = {},
): string[] {
  if (!user) return [node, ...args]
  const drop = dropTo(user, { lowPort })
  if (closedParent(path.join(checkout, 'package.json')) === null) return [...drop, node, ...args]
  fs.mkdirSync(seenAt, { recursive: true, mode: 0o755 })
  const inside = path.relative(checkout, node)
  return [
    'unshare',
    '--mount',
    // Mounts that are removed outside are removed here, too, so that this process does not hold them.
    '--propagation=slave',
    '--',
    'sh',
    '-c',
    showCode,
    'sh',
    checkout,
    seenAt,
    ...drop,
    inside.startsWith('..') ? node : path.join(seenAt, inside),
    ...args,
  ]
}

/**
 * Opens the code for all users, as `chmod -R a+rX` does, because a checkout made under a umask of 077 is closed inside,
 * too. node_modules is opened only when the list that npm keeps in it is closed. Returns how many files were opened.
 */
export function openCode(checkout = root): number {
  const installed = fs.statSync(path.join(checkout, 'node_modules/.package-lock.json'), {
    throwIfNoEntry: false,
  })
  const walked = code.filter((name) => name !== 'node_modules' || (installed && !(installed.mode & 0o004)))
  return walked.reduce((sum, name) => sum + openToAll(path.join(checkout, name)), 0)
}

/** Opens a file or folder for all users; links are not followed. Returns how many were opened. */
export function openToAll(file: string): number {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false })
  if (!stat || !(stat.isFile() || stat.isDirectory())) return 0
  const runs = stat.isDirectory() || (stat.mode & 0o100) !== 0
  const wanted = stat.mode | (runs ? 0o055 : 0o044)
  let opened = 0
  if (wanted !== stat.mode) {
    fs.chmodSync(file, wanted & 0o7777)
    opened++
  }
  if (stat.isDirectory()) for (const name of fs.readdirSync(file)) opened += openToAll(path.join(file, name))
  return opened
}
