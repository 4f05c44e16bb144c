import { basename } from 'node:path'
import { vi } from 'vitest'

/**
 * Simulates kill -9 of an agent at any moment: after a number of effects (files put in place, changes of rules and
 * links, ended flows, signals) every further effect fails until `revive`. It uses `vi.mock`, so a test imports this
 * module before the driver.
 */
let left = Number.POSITIVE_INFINITY
let failing = Number.POSITIVE_INFINITY
let effects: string[] = []
const words: Readonly<Record<string, string>> = {
  '-R': 'flows end',
  'conntrack-delete': 'flows end',
  dnsmasq: 'dnsmasq starts',
}

export function killAfter(count: number): void {
  left = count
  effects = []
}
/** Makes a single effect fail, the one after `count` others. This is not a kill: the effects that follow succeed. */
export function failOnce(count: number): void {
  failing = count
}
export function revive(): void {
  left = Number.POSITIVE_INFINITY
}
/** The effects since killAfter, in order: `sync`, `record web`, `rules`, `links`, `flows end`, `leases`, `signal`. */
export const done = (): readonly string[] => effects

function effect(name: string): void {
  failing -= 1
  if (failing < 0) {
    failing = Number.POSITIVE_INFINITY
    throw new Error(`failed: ${name}`)
  }
  if (left <= 0) throw new Error(`killed before: ${name}`)
  left -= 1
  effects.push(name)
}

type Exec = typeof import('./exec.ts')
export const mortalExec = (real: Exec): Exec => ({
  ...real,
  run: async (op, argv, options) => {
    const word = argv.map((item) => words[item]).find((found) => found !== undefined)
    if (word) effect(word)
    else if (left <= 0) throw new Error('killed')
    return real.run(op, argv, options)
  },
  nft: async (...args) => {
    effect('rules')
    return real.nft(...args)
  },
  nftEcho: async (...args) => {
    effect('rules')
    return real.nftEcho(...args)
  },
  ipBatch: async (op, namespace, lines, options) => {
    if (lines.length > 0) effect('links')
    return real.ipBatch(op, namespace, lines, options)
  },
})

type Files = typeof import('node:fs/promises')
export const mortalFiles = (real: Files): Files => ({
  ...real,
  open: async (...args) => {
    const handle = await real.open(...args)
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      effect('sync')
      return sync()
    }
    return handle
  },
  rename: async (from, to) => {
    const name = basename(String(to))
    effect(name.endsWith('.json') ? `record ${name.slice(0, -'.json'.length)}` : 'leases')
    return real.rename(from, to)
  },
  rm: async (path, options) => {
    if (String(path).endsWith('.json')) effect('record goes')
    return real.rm(path, options)
  },
})

export function watchSignals(): void {
  const real = process.kill.bind(process)
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    if (signal === 'SIGHUP') effect('signal')
    return real(pid, signal)
  })
}
