import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { isFree } from '../postgres.ts'
import { environmentOf } from './environment.ts'
import { commandOf } from './launch.ts'
import { workerDir } from './ownership.ts'
import type { FirstPasswords } from './passwords.ts'
import { endpointOf, type Places, root, secret, writeAtomically } from './paths.ts'
import type { ServiceSpec } from './supervisor.ts'
import type { ServiceUsers } from './users.ts'

const run = promisify(execFile)

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

/** The loopback ports of our own processes, kept across restarts unless another program has taken one. */
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

/** All processes of the cloud: the user, command and environment of each, and its health check. */
export function services(cloud: Cloud, ports: Ports, users: ServiceUsers): ServiceSpec[] {
  const { where, mode } = cloud
  const watch = mode === 'dev' ? ['--watch', '--watch-preserve-output'] : []
  const health = path.join(workerDir(where), 'health.sock')
  const agent = endpointOf(where, cloud.host).slice('unix:'.length)
  const env = environments(cloud, ports, users, keysOf(where))
  return [
    {
      name: 'agent',
      command: commandOf(null, [...watch, 'apps/agent/src/main.ts']),
      env: env.agent,
      ask: { socketPath: agent, path: '/healthz' },
    },
    {
      name: 'api',
      command: commandOf(users.api, [...watch, 'apps/api/src/main.ts'], { lowPort: cloud.port < 1024 }),
      env: env.api,
      // /healthz depends on the database, too; the api answers /alive (with 404) without it.
      ask: { port: ports.api, path: '/healthz', alive: '/alive' },
    },
    {
      name: 'worker',
      command: commandOf(users.api, [...watch, 'apps/api/src/worker.ts']),
      env: { ...env.worker, STRATOLITH_HEALTH_SOCKET: health },
      ask: { socketPath: health, path: '/healthz' },
    },
    {
      name: 'console-proxy',
      command: commandOf(users.console, [...watch, 'apps/console-proxy/src/main.ts']),
      env: env['console-proxy'],
      ask: { port: ports.console, path: '/healthz' },
    },
    {
      name: 'web',
      // In development Next writes into the checkout all the time, so it runs as the user who started the cloud.
      command: commandOf(mode === 'dev' ? null : users.web, [
        'node_modules/next/dist/bin/next',
        mode,
        'apps/web',
        '-p',
        String(ports.web),
        '-H',
        '127.0.0.1',
      ]),
      env: env.web,
      // The sign-in page needs no session.
      ask: { port: ports.web, path: '/sign-in', alive: '/alive' },
    },
  ]
}

type Keys = { web: string; consoles: string; session: string; front: string }
function keysOf(where: Places): Keys {
  const random = () => crypto.randomUUID().replaceAll('-', '') + crypto.randomUUID().replaceAll('-', '')
  return {
    web: secret(where, 'internal-web', random),
    consoles: secret(where, 'internal-console', random),
    session: secret(where, 'session', random),
    front: secret(where, 'front-door', random),
  }
}

const ofEvery = ({ mode }: Cloud) => ({
  NODE_ENV: mode === 'dev' ? 'development' : 'production',
  // A small young generation: with the default, five Node processes take a third more memory without a gain.
  NODE_OPTIONS: '--disable-warning=ExperimentalWarning --max-semi-space-size=4',
  HOME: '/nonexistent',
})

/** The environments of the processes. Each gets what it needs, and no secret of another process's door. */
export function environments(cloud: Cloud, ports: Ports, users: ServiceUsers, keys: Keys) {
  const { where } = cloud
  const api = `http://127.0.0.1:${ports.api}`
  const consoles = `127.0.0.1:${ports.console}`
  const all = ofEvery(cloud)
  const worker = environmentOf(
    'api',
    {
      ...all,
      STRATOLITH_DATA: where.data,
      STRATOLITH_PORT: String(cloud.port),
      STRATOLITH_PUBLIC_URL: cloud.publicUrl,
      STRATOLITH_HOST: cloud.host,
      DATABASE_URL: cloud.databaseUrl,
    },
    process.env,
  )
  return {
    worker,
    api: {
      ...worker,
      STRATOLITH_BIND: cloud.bind,
      STRATOLITH_API_PORT: String(ports.api),
      STRATOLITH_WEB_URL: `http://127.0.0.1:${ports.web}`,
      STRATOLITH_CONSOLE_URL: `http://${consoles}`,
      STRATOLITH_WEB_SECRET: keys.web,
      STRATOLITH_CONSOLE_SECRET: keys.consoles,
      STRATOLITH_FRONT_SECRET: keys.front,
    },
    agent: environmentOf(
      'agent',
      {
        ...all,
        STRATOLITH_DATA: where.data,
        STRATOLITH_HOST: cloud.host,
        STRATOLITH_DRIVERS_GROUP: String(users.api.gid),
        STRATOLITH_CONSOLE_GROUP: String(users.console.gid),
      },
      process.env,
    ),
    'console-proxy': environmentOf(
      'console-proxy',
      {
        ...all,
        STRATOLITH_PUBLIC_URL: cloud.publicUrl,
        STRATOLITH_API_URL: api,
        STRATOLITH_CONSOLE_LISTEN: consoles,
        STRATOLITH_CONSOLE_SECRET: keys.consoles,
      },
      process.env,
    ),
    web: environmentOf(
      'web',
      {
        ...all,
        NEXT_TELEMETRY_DISABLED: '1',
        STRATOLITH_API_URL: api,
        STRATOLITH_WEB_SECRET: keys.web,
        STRATOLITH_FRONT_SECRET: keys.front,
        NEXTAUTH_SECRET: keys.session,
        NEXTAUTH_URL: cloud.publicUrl,
      },
      process.env,
    ),
  }
}

/**
 * Makes the first contents, with the api's user and environment. Returns the users whose given password is
 * right: existing users keep their passwords.
 */
export async function seed(
  specs: readonly ServiceSpec[],
  users: ServiceUsers,
  args: readonly string[],
  passwords: FirstPasswords,
): Promise<ReadonlySet<string>> {
  const env = specs.find((spec) => spec.name === 'worker')?.env
  const [program = '', ...rest] = commandOf(users.api, ['apps/api/src/seed.ts', ...args])
  const given = {
    STRATOLITH_ADMIN_PASSWORD: passwords.admin.value,
    STRATOLITH_DEMO_PASSWORD: passwords.demo.value,
  }
  const { stdout } = await run(program, rest, {
    cwd: root,
    maxBuffer: 1 << 24,
    env: { ...env, ...given },
  })
  return new Set(/^right passwords: (.*)$/m.exec(stdout)?.[1]?.split(',') ?? [])
}
