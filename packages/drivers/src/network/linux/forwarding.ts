import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '../../op.ts'
import { run } from './exec.ts'
import { type Machine, readMachine } from './machine.ts'

/**
 * Answers to guests come in by interfaces of the machine on which forwarding may be off. We switch forwarding on for
 * these interfaces alone (net.ipv4.conf.<interface>.forwarding): `ip_forward` would make the machine a router
 * between all its networks and would change accept_redirects, too. Empty files in this folder name the
 * interfaces that we switched on. The folder is gone after a reboot of the machine, as the setting is. All clouds
 * on a machine share the folder, because the last of them switches forwarding off again.
 */
const folderOf = (namespace: string | undefined) => join('/run/stratolith/forwarding', namespace ?? 'machine')

function marksOf(namespace: string | undefined): string[] {
  const folder = folderOf(namespace)
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/**
 * The interfaces that forward because of us, once those of `wanted` forward. None when the administrator has
 * switched on forwarding for the whole machine (ip_forward, which we do not set), before or after us.
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

/** True for names that nft, ip and sysctl accept without quoting; the kernel allows more names. */
const isPlain = (name: string) => /^[\w.@-]{1,15}$/.test(name)

/** Records the interfaces. Call this before switching them on, because only recorded interfaces are switched back. */
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
  // With slashes a dot can be part of a name (eth0.100); -e, because an interface may have gone.
  const words = names.map((name) => `net/ipv4/conf/${name}/forwarding=${value}`)
  await run(op, ['sysctl', '-e', '-q', '-w', ...words], { namespace })
}

/** Switches off forwarding that our clouds switched on. Called by the last cloud on the machine. */
export async function restoreForwarding(op: Op, namespace: string | undefined): Promise<void> {
  if (marksOf(namespace).length > 0)
    await switchForwarding(op, namespace, switchedBy(namespace, await readMachine(op, namespace), []), 0)
  rmSync(folderOf(namespace), { recursive: true, force: true })
}

/**
 * Puts `ip_forward` back as it was, when an old release had switched it on: before interfaces were switched one by
 * one, we set `ip_forward` and recorded its former value in `dir`. Returns true when there was such a record.
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
