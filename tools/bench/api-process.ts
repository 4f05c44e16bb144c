import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { root } from '../cloud/paths.ts'
import { isFree } from '../postgres.ts'
import type { FakeCloud } from './fake-cloud.ts'
import { benchSecret } from './fake-deps.ts'

export type ApiProcess = {
  /** The portal's door (tRPC). */
  url: string
  /** The public door (OpenStack's APIs). */
  front: string
  pid: number
  stop(): Promise<void>
}

/** Starts the real api process on the fake cloud's database; nobody calls a host through it. */
export async function startApi(cloud: FakeCloud): Promise<ApiProcess> {
  const data = fs.mkdtempSync('/var/tmp/stratolith-bench-api-')
  const [inner, outer] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [path.join(root, 'apps/api/src/main.ts')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      DATABASE_URL: cloud.databaseUrl,
      STRATOLITH_DATA: data,
      STRATOLITH_BIND: '127.0.0.1',
      STRATOLITH_PORT: String(outer),
      STRATOLITH_API_PORT: String(inner),
      STRATOLITH_PUBLIC_URL: `http://127.0.0.1:${outer}`,
      STRATOLITH_WEB_SECRET: benchSecret,
      STRATOLITH_LOG_LEVEL: 'error',
    },
  })
  const stop = async () => {
    await ended(child)
    fs.rmSync(data, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${inner}`
  for (const end = Date.now() + 30_000; ; ) {
    const ok = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return { url, front: `http://127.0.0.1:${outer}`, pid: child.pid ?? 0, stop }
    if (child.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error('the api process of the measurement does not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

async function freePort(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free TCP port between 20000 and 32000.')
}
