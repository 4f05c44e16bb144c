import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { runMigrations } from 'graphile-worker'
import type { TestProject } from 'vitest/node'
import { ensureDatabase, startPostgres, throwAwayDir } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server whose database `template` has the whole schema; each test file clones the template. */
    postgresUrl: string
  }
}

/** The global setup of vitest: starts a real PostgreSQL for the run in a temporary directory, which is removed afterwards. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = throwAwayDir('stratolith-test-')
  const server = await startPostgres(dir, { durable: false })
  const teardown = async () => {
    await server.stop()
    fs.rmSync(dir, { recursive: true, force: true })
  }
  try {
    const template = await ensureDatabase(server.url, 'template')
    // The schema is made in a process of its own, because the schema engine keeps connections open until it ends.
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
