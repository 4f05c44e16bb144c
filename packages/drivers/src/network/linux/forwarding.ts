import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '../../op.ts'
import { run } from './exec.ts'
import type { Machine } from './machine.ts'

/**
 * Answers from the world come in by interfaces of the machine that may not forward yet. We switch on
 * those alone (net.ipv4.conf.<interface>.forwarding): `ip_forward` would make the machine a router
 * between all it is connected to, and changes accept_redirects with it. What we switched on is named
 * by empty files in a folder that ends with the machine's run, as the setting itself does; all clouds
 * on a machine share it, since the last of them switches back.
 */
const folderOf = (namespace: string | undefined) => join('/run/stratolith/forwarding', namespace ?? 'machine')

function marksOf(namespace: string | undefined): string[] {
  const folder = folderOf(namespace)
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/**
 * Interfaces that forward because of us, when those of `wanted` do. None where the administrator
 * wants it everywhere (ip_forward, which is not ours to set): that was so before us, or is since.
 */
export function switchedBy(
  namespace: string | undefined,
  machine: Machine,
  wanted: readonly string[],
): string[] {
  if (machine.forwarding.get('all')) return []
  const still = wanted.filter((name) => isPlain(name) && machine.forwarding.get(name) === false)
  return [...new Set([...marksOf(namespace), ...still])].sort()
}

/** Names that nft, ip and sysctl take as they are: the kernel allows more. */
const isPlain = (name: string) => /^[\w.@-]{1,15}$/.test(name)

/** To be called before anything is switched on: what nobody remembers nobody switches back. */
export function remember(namespace: string | undefined, switched: readonly string[]): void {
  const folder = folderOf(namespace)
  if (switched.length === 0) rmSync(folder, { recursive: true, force: true })
  else mkdirSync(folder, { recursive: true })
  for (const name of switched) writeFileSync(join(folder, name), '')
}

export async function switchForwarding(
  op: Op,
  namespace: string | undefined,
  names: readonly string[],
  value: 0 | 1,
): Promise<void> {
  if (names.length === 0) return
  // With slashes a dot is part of a name (eth0.100); -e: an interface may have gone.
  const words = names.map((name) => `net/ipv4/conf/${name}/forwarding=${value}`)
  await run(op, ['sysctl', '-e', '-q', '-w', ...words], { namespace })
}

/** Everything that clouds of ours switched on is as it was before. For the last one on the machine. */
export async function restoreForwarding(op: Op, namespace: string | undefined): Promise<void> {
  await switchForwarding(op, namespace, marksOf(namespace), 0)
  rmSync(folderOf(namespace), { recursive: true, force: true })
}

/**
 * Before the first release that switches interfaces one by one, `ip_forward` was ours, and `dir` remembered
 * what it had been. It goes back to that.
 */
export async function endGlobalForwarding(
  op: Op,
  dir: string,
  namespace: string | undefined,
): Promise<boolean> {
  const file = join(dir, 'machine.json')
  if (!existsSync(file)) return false
  const before = JSON.parse(readFileSync(file, 'utf8')) as { forwarding?: unknown }
  if (before.forwarding === '0') await run(op, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=0'], { namespace })
  rmSync(file, { force: true })
  return true
}
