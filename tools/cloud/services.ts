import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { isFree } from '../postgres.ts'
import { type Places, root, secret, writeAtomically } from './paths.ts'
import type { ServiceSpec } from './supervisor.ts'

export type Cloud = {
  where: Places
  port: number
  bind: string
  publicUrl: string
  databaseUrl: string
  host: string
  mode: 'start' | 'dev'
}
type Ports = { api: number; web: number; console: number }

/** Loopback ports of our own processes, kept across restarts unless somebody took one. */
export async function internalPorts(where: Places): Promise<Ports> {
  const file = path.join(where.run, 'ports.json')
  const known: Partial<Ports> = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
  const taken = new Set<number>()
  const pick = async (wanted?: number) => {
    for (let i = 0; i < 200; i++) {
      const port = i === 0 && wanted ? wanted : 20_000 + Math.floor(Math.random() * 12_000)
      if (taken.has(port) || !(await isFree(port))) continue
      taken.add(port)
      return port
    }
    throw new Error('No free TCP port between 20000 and 32000 on 127.0.0.1.')
  }
  const ports = { api: await pick(known.api), web: await pick(known.web), console: await pick(known.console) }
  writeAtomically(file, JSON.stringify(ports))
  return ports
}

/** Every process of the cloud: how it is started and how it is asked whether it is well. */
export function services(cloud: Cloud, ports: Ports): ServiceSpec[] {
  const { where } = cloud
  const random = () => crypto.randomUUID().replaceAll('-', '') + crypto.randomUUID().replaceAll('-', '')
  const api = `http://127.0.0.1:${ports.api}`
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: cloud.mode === 'dev' ? 'development' : 'production',
    // A small young generation: by default five Nodes take a third more memory for no gain here.
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning --max-semi-space-size=4',
    NEXT_TELEMETRY_DISABLED: '1',
    STRATOLITH_DATA: where.data,
    STRATOLITH_PORT: String(cloud.port),
    STRATOLITH_BIND: cloud.bind,
    STRATOLITH_PUBLIC_URL: cloud.publicUrl,
    STRATOLITH_HOST: cloud.host,
    STRATOLITH_API_PORT: String(ports.api),
    STRATOLITH_API_URL: api,
    STRATOLITH_WEB_URL: `http://127.0.0.1:${ports.web}`,
    STRATOLITH_CONSOLE_URL: `http://127.0.0.1:${ports.console}`,
    STRATOLITH_CONSOLE_LISTEN: `127.0.0.1:${ports.console}`,
    STRATOLITH_INTERNAL_SECRET: secret(where, 'internal', random),
    NEXTAUTH_SECRET: secret(where, 'session', random),
    NEXTAUTH_URL: cloud.publicUrl,
    DATABASE_URL: cloud.databaseUrl,
  }
  const watch = cloud.mode === 'dev' ? ['--watch', '--watch-preserve-output'] : []
  const next = path.join(root, 'node_modules/next/dist/bin/next')
  const agentSocket = path.join(where.data, 'hosts', cloud.host, 'agent.sock')
  return [
    {
      name: 'agent',
      args: [...watch, 'apps/agent/src/main.ts'],
      env,
      healthy: () => ask({ socketPath: agentSocket, path: '/healthz' }),
    },
    {
      name: 'api',
      args: [...watch, 'apps/api/src/main.ts'],
      env,
      healthy: () => ask({ port: ports.api, path: '/healthz' }),
    },
    {
      name: 'worker',
      args: [...watch, 'apps/api/src/worker.ts'],
      env,
      healthy: () => fileSays(path.join(where.run, 'worker.ready')),
    },
    {
      name: 'console-proxy',
      args: [...watch, 'apps/console-proxy/src/main.ts'],
      env,
      healthy: () => ask({ port: ports.console, path: '/healthz' }),
    },
    {
      name: 'web',
      args: [
        next,
        cloud.mode === 'dev' ? 'dev' : 'start',
        path.join(root, 'apps/web'),
        '-p',
        String(ports.web),
        '-H',
        '127.0.0.1',
      ],
      env,
      healthy: () => ask({ port: ports.web, path: '/sign-in' }),
    },
  ]
}

/** The environment of one-shot scripts (seed, destroy): that of the api. */
export function scriptEnv(specs: readonly ServiceSpec[]): NodeJS.ProcessEnv {
  return specs.find((spec) => spec.name === 'api')?.env ?? {}
}

function ask(options: http.RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', timeout: 5000, ...options }, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 400) resolve()
      else reject(new Error(`answers ${status}`))
    })
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error('no answer in 5 s')))
  })
}

/** The worker serves no port; it writes its pid when it takes jobs. */
async function fileSays(file: string): Promise<void> {
  const pid = Number(await fs.promises.readFile(file, 'utf8'))
  if (!fs.existsSync(`/proc/${pid}`)) throw new Error('not ready yet')
}
