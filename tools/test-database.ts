import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import type { TestProject } from 'vitest/node'
import { ensureDatabase, startPostgres, throwAwayDir } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A server whose database `template` has the whole schema; each test file clones it. */
    postgresUrl: string
  }
}

/** vitest global setup: one real PostgreSQL for the run, in a temporary directory, removed after. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = throwAwayDir('stratolith-test-')
  const server = await startPostgres(dir, { durable: false })
  const teardown = async () => {
    await server.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
  try {
    const template = await ensureDatabase(server.url, 'template')
    // In a process of its own: the schema engine keeps connections open until it ends.
    execFileSync(process.execPath, [path.join(import.meta.dirname, 'migrate.ts'), 'push'], {
      env: { ...process.env, DATABASE_URL: template },
    })
    await runMigrations({ connectionString: template })
  } catch (error) {
    await teardown()
    throw error
  }
  project.provide('postgresUrl', server.url)
  return teardown
}
