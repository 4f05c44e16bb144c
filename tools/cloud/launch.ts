import fs from 'node:fs'
import path from 'node:path'
import { closedParent, root } from './paths.ts'
import type { SystemUser } from './users.ts'

/** What our processes read of a checkout. */
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
/** Where a process sees the code of a checkout whose folder is closed to it. */
const seenAt = '/run/stratolith-code'

/**
 * Shows the code ($1 names its folder) at $2, in a mount namespace that only this process has, and
 * goes on as what follows. A script of ours that never changes; everything given is a parameter.
 */
const showCode = `
mount -t tmpfs -o mode=755,nosuid,nodev code "$2" || exit 1
for name in ${code.join(' ')}; do
  if [ -d "$1/$name" ]; then mkdir "$2/$name"; else : > "$2/$name"; fi
  mount --bind "$1/$name" "$2/$name" || exit 1
done
cd "$2" && shift 2 && exec "$@"`

/** Goes on as that user: without other groups, without privileges and for ever. */
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
 * checkout) as a system user: no other groups, no privileges and no way to get any. One that
 * serves a port below 1024 keeps the right to that and nothing else.
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
    // Namespaces of networks and disks that are taken away outside must not be held by us.
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
 * A checkout made under a umask of 077 is closed inside too; like `chmod -R a+rX` for the code. What
 * npm installed is looked through only when its own list is closed. Returns how many were opened.
 */
export function openCode(checkout = root): number {
  const installed = fs.statSync(path.join(checkout, 'node_modules/.package-lock.json'), {
    throwIfNoEntry: false,
  })
  const walked = code.filter((name) => name !== 'node_modules' || (installed && !(installed.mode & 0o004)))
  return walked.reduce((sum, name) => sum + openToAll(path.join(checkout, name)), 0)
}

/** Links are not followed. */
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
