import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The things on the machine that tests must not leave: processes, links, namespaces, nft tables, temporary folders,
 * cgroups and user ids of guests.
 */
export type Snapshot = {
  processes: Set<string>
  links: Set<string>
  namespaces: Set<string>
  tables: Set<string>
  folders: Set<string>
  cgroups: Set<string>
  guestUids: Set<string>
}

export async function snapshot(): Promise<Snapshot> {
  const [links, namespaces, tables] = await Promise.all([
    lines('ip', ['-o', 'link']).then((rows) => rows.map((row) => row.split(': ')[1] ?? '')),
    lines('ip', ['netns', 'list']).then((rows) => rows.map((row) => row.split(' ')[0] ?? '')),
    lines('nft', ['list', 'tables']),
  ])
  return {
    processes: new Set(ourProcesses()),
    links: new Set(links),
    namespaces: new Set(namespaces),
    tables: new Set(tables),
    folders: new Set([
      ...[os.tmpdir(), '/var/tmp'].flatMap(ourFolders),
      ...namesIn('/run/stratolith-volumes').map((name) => `/run/stratolith-volumes/${name}`),
    ]),
    cgroups: new Set(ourCgroups()),
    guestUids: new Set(namesIn('/var/lib/stratolith-guest-uids')),
  }
}

/** One line for each thing that was not there before. Processes get 5 s to end. */
export async function leftovers(before: Snapshot): Promise<string[]> {
  for (let i = 0; ; i++) {
    const now = await snapshot()
    const left = (Object.keys(now) as (keyof Snapshot)[]).flatMap((kind) =>
      [...now[kind]].filter((name) => !before[kind].has(name)).map((name) => `${kind}: ${name}`),
    )
    if (left.length === 0 || i >= 10) return left
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** Our temporary folders; `t_…` are the data folders of test databases. */
function ourFolders(dir: string): string[] {
  const names = fs.readdirSync(dir).filter((name) => /^(strato|t_[0-9a-f]{32}$)/.test(name))
  return names.map((name) => `${dir}/${name}`)
}

/** The cgroups of guests, in version 2 (mounted on the folder itself) and in each hierarchy of version 1. */
function ourCgroups(): string[] {
  const mounts = ['/sys/fs/cgroup', ...namesIn('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)]
  return mounts.flatMap((mount) =>
    namesIn(`${mount}/stratolith`)
      .filter((name) => fs.statSync(`${mount}/stratolith/${name}`, { throwIfNoEntry: false })?.isDirectory())
      .map((name) => `${mount}/stratolith/${name}`),
  )
}

function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir)
  } catch {
    return [] // There is no such folder, or it is a file.
  }
}

/** Our guests, servers of volumes, DHCP servers, databases and services, found by command line. */
function ourProcesses(): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return /qemu-system|qemu-storage-daemon|ceph-(mon|osd)|tgtd|dnsmasq|bin\/postgres|apps\/(api|agent|console-proxy|web)\/|chromium/.test(
          command,
        )
          ? [`${pid} ${command.slice(0, 120)}`]
          : []
      } catch {
        return [] // The process ended meanwhile.
      }
    })
}

async function lines(file: string, args: string[]): Promise<string[]> {
  const { stdout } = await run(file, args)
  return stdout.split('\n').filter((line) => line.length > 0)
}
