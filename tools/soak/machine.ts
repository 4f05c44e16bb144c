import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The namespaces of the cloud with this data plane: the data plane's own and those named after it. */
export async function namespacesOf(dataPlane: string): Promise<string[]> {
  const names = (await output('ip', ['netns', 'list'])).map((line) => line.split(' ')[0] ?? '')
  return names.filter((name) => name === dataPlane || name.startsWith(`${dataPlane}.`))
}

/** "namespace/link" for every link in these namespaces except loopback. A namespace that is removed meanwhile has none. */
export async function linksIn(namespaces: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const namespace of namespaces) {
    const lines = await output('ip', ['-n', namespace, '-o', 'link']).catch(() => [])
    const names = lines.map((line) => line.split(': ')[1]?.split('@')[0] ?? '')
    found.push(...names.filter((name) => name !== 'lo').map((name) => `${namespace}/${name}`))
  }
  return found
}

/** The command lines of QEMU processes that work in a folder below `data`. */
export function qemusOf(data: string): string[] {
  const below = `${fs.realpathSync(data)}${path.sep}`
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(below)) return []
        const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words[0]?.includes('qemu') ? [`${pid} ${words.slice(0, 5).join(' ')}`] : []
      } catch {
        return [] // The process ended meanwhile.
      }
    })
}

async function output(file: string, args: string[]): Promise<string[]> {
  const { stdout } = await run(file, args)
  return stdout.split('\n').filter((line) => line.length > 0)
}
