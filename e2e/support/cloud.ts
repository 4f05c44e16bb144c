import { execFile } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { AppRouter } from '@stratolith/api/router'
import { hostNamespace } from '@stratolith/drivers/network/names'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { places } from '../../tools/cloud/paths.ts'

const run = promisify(execFile)

/** A running cloud as selftest, e2e tests and bench read it from its data folder. */
export type Cloud = {
  data: string
  url: string
  apiUrl: string
  agentSocket: string
  /** The secret by which the portal proves itself to the API's loopback door. */
  doorSecret: string
  password(user: 'admin' | 'demo'): string
}

/** Reads the running cloud in the folder `data`; without it, the folder that `npm start` would use. */
export function findCloud(data = places().data): Cloud {
  const dir = path.resolve(data)
  const state = path.join(dir, 'run/cloud.json')
  if (!fs.existsSync(state)) throw new Error(`No cloud runs in ${dir}. Start one with: npm start`)
  const { url } = JSON.parse(fs.readFileSync(state, 'utf8')) as { url: string }
  const ports = JSON.parse(fs.readFileSync(path.join(dir, 'run/ports.json'), 'utf8')) as { api: number }
  const host = fs.readdirSync(path.join(dir, 'hosts'))[0] ?? ''
  return {
    data: dir,
    url,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    agentSocket: path.join(dir, 'hosts', host, 'agent.sock'),
    doorSecret: fs.readFileSync(path.join(dir, 'secrets/internal-web'), 'utf8').trim(),
    password: (user) => fs.readFileSync(path.join(dir, `secrets/${user}-password`), 'utf8').trim(),
  }
}

export type Api = ReturnType<typeof createTRPCClient<AppRouter>>

/** A typed client that acts with `token` (none: only sign-in works). */
export function apiClient(cloud: Cloud, token?: string): Api {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${cloud.apiUrl}/trpc`,
        // The API refuses longer batches.
        maxItems: 20,
        headers: { 'x-internal-secret': cloud.doorSecret, ...(token ? { 'x-auth-token': token } : {}) },
      }),
    ],
  })
}

export async function signedIn(cloud: Cloud, user: 'admin' | 'demo'): Promise<{ api: Api; token: string }> {
  const { token } = await apiClient(cloud).identity.signIn.mutate({ user, password: cloud.password(user) })
  return { api: apiClient(cloud, token), token }
}

/** The name of the namespace from which guests are reached; tests never send a packet anywhere else. */
export async function dataPlaneNamespace(cloud: Cloud): Promise<string> {
  const signal = AbortSignal.timeout(30_000)
  const [answer] = (await once(
    http.get({ socketPath: cloud.agentSocket, path: '/healthz', agent: false, signal }),
    'response',
  )) as [http.IncomingMessage]
  return hostNamespace((await json(answer)) as { cloud: string; host: string })
}

/** Runs a program inside that namespace and returns its output; throws with the output when the program fails. */
export async function inNamespace(
  namespace: string,
  argv: readonly string[],
  timeoutMs = 120_000,
): Promise<string> {
  const { stdout, stderr } = await run('ip', ['netns', 'exec', namespace, ...argv], {
    timeout: timeoutMs,
    maxBuffer: 1 << 20,
  })
  return stdout + stderr
}

/** A probe throws this error when waiting cannot help. */
export class GiveUp extends Error {}

/** Calls `probe` until it returns a value; throws with the last reason when the time is over. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end = Date.now() + timeoutMs
  let why: unknown = 'it never did'
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
    } catch (error) {
      if (error instanceof GiveUp) throw error
      why = error
    }
    if (Date.now() > end)
      throw new Error(
        `${what}: not within ${timeoutMs / 1000} s (${why instanceof Error ? why.message : why})`,
      )
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

export const sshArgs = (keyFile: string, user: string, address: string, command: string): string[] => [
  'ssh',
  '-i',
  keyFile,
  '-o',
  'StrictHostKeyChecking=no',
  '-o',
  'UserKnownHostsFile=/dev/null',
  '-o',
  'LogLevel=ERROR',
  '-o',
  'ConnectTimeout=5',
  '-o',
  'BatchMode=yes',
  `${user}@${address}`,
  command,
]
