/**
 * Manages the database schema by the WASM build of Prisma's engine, without downloading the native one.
 *   generate        write prisma/generated from prisma/schema
 *   create NAME     write the next migration from the difference; indexes of existing tables get
 *                   a file of their own (needs a server for the shadow database)
 *   deploy [NAME…]  apply the missing migrations (idempotent); with names only those, for older data
 *   push            make the schema in an empty database, without migrations (tests)
 *   drift           fail when prisma/schema has something that no migration makes (starts its own
 *                   throw-away PostgreSQL when DATABASE_URL is not set)
 */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils'
import * as wasm from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { deploy as applyAll } from './migrate/apply.ts'
import { faultsOf } from './migrate/rules.ts'
import { atOnce, withoutIndexes } from './migrate/script.ts'
import { startPostgres, throwAwayDir } from './postgres.ts'

const root = path.resolve(import.meta.dirname, '..')
const schemaDir = path.join(root, 'prisma/schema')
const migrationsDir = path.join(root, 'prisma/migrations')
const noFilters = { externalTables: [], externalEnums: [] }

function generate(): void {
  execFileSync(
    process.execPath,
    [path.join(root, 'node_modules/prisma/build/index.js'), 'generate', '--schema', schemaDir],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      },
    },
  )
}

/** Applies the migrations that the database lacks (migrate/apply.ts). Returns their names. */
const deploy = (url: string, only: readonly string[]): Promise<string[]> =>
  applyAll(url, only, {
    functions: ours('functions'),
    migrations: migrationNames().map((name) => ({ name, sql: migrationText(name) })),
    triggers: ours('triggers'),
    indexes: ours('indexes'),
    searchIndexes: ours('search-indexes'),
  })

async function push(url: string): Promise<number> {
  const engine = await openEngine(url)
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', ...schemaFiles() },
    script: true,
    exitCode: null,
    filters: noFilters,
  })
  const indexes = atOnce(`${ours('indexes')}\n${ours('search-indexes')}`)
  await runSql(
    url,
    [
      ours('functions'),
      'CREATE EXTENSION IF NOT EXISTS pg_trgm;',
      stdout ?? '',
      ours('triggers'),
      indexes,
      'SELECT stratolith_begin_event_epoch();',
    ].join('\n'),
  )
  return 0
}

/** The idempotent SQL that a Prisma schema cannot express. */
const ours = (name: string) => fs.readFileSync(path.join(root, `prisma/${name}.sql`), 'utf8')

async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Writes a migration by diff, because the engine's createMigration wants a shadow database that it does not ask the adapter for. */
async function create(url: string, name: string): Promise<void> {
  const engine = await openEngine(url)
  const { stdout, exitCode } = await engine.diff({
    from: { tag: 'migrations', ...migrations() },
    to: { tag: 'schemaDatamodel', ...schemaFiles() },
    script: true,
    exitCode: true,
    filters: noFilters,
  })
  if (exitCode === 0 || !stdout) {
    console.log('Nothing to do: the migrations say all that the schema says.')
    return
  }
  const stamp = Number(new Date().toISOString().replace(/\D/g, '').slice(0, 14))
  const { changes, indexes } = withoutIndexes(stdout)
  if (changes) write(`${stamp}_${name}`, changes)
  if (indexes) write(`${changes ? stamp + 1 : stamp}_${name}${changes ? '_indexes' : ''}`, indexes)
}

function write(name: string, sql: string): void {
  const dir = path.join(migrationsDir, name)
  fs.mkdirSync(dir, { recursive: true })
  fs.writeFileSync(path.join(dir, 'migration.sql'), sql)
  console.log(`Wrote ${path.relative(root, dir)}`)
  for (const fault of faultsOf(sql)) console.log(`To be changed by hand (CONTRIBUTING.md): ${fault}`)
}

async function drift(url: string): Promise<number> {
  const engine = await openEngine(url)
  const result = await engine.diff({
    from: { tag: 'migrations', ...migrations() },
    to: { tag: 'schemaDatamodel', ...schemaFiles() },
    script: true,
    exitCode: true,
    filters: noFilters,
  })
  if (result.exitCode === 0) return 0
  console.error(
    'prisma/schema says what no migration does. Run: npm run migrate create NAME\n',
    result.stdout,
  )
  return 1
}

function schemaFiles() {
  const names = fs
    .readdirSync(schemaDir)
    .filter((name) => name.endsWith('.prisma'))
    .sort()
  return {
    files: names.map((name) => ({
      path: path.join(schemaDir, name),
      content: fs.readFileSync(path.join(schemaDir, name), 'utf8'),
    })),
  }
}

const migrationNames = () =>
  fs
    .readdirSync(migrationsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
const migrationText = (name: string) =>
  fs.readFileSync(path.join(migrationsDir, name, 'migration.sql'), 'utf8')

function migrations() {
  return {
    baseDir: migrationsDir,
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: fs.readFileSync(path.join(migrationsDir, 'migration_lock.toml'), 'utf8'),
    },
    migrationDirectories: migrationNames().map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: migrationText(name) },
      },
    })),
  }
}

let engineReady = false
async function openEngine(url: string) {
  if (!engineReady) {
    const wasmPath = path.join(
      path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')),
      'schema_engine_bg.wasm',
    )
    const panics = { message: '', set_message: (text: string) => console.error('schema engine panic:', text) }
    Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics })
    const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(wasmPath)), {
      './schema_engine_bg.js': wasm as never,
    })
    wasm.__wbg_set_wasm(instance.exports)
    ;(instance.exports.__wbindgen_start as () => void)()
    await acceptCharColumns(url)
    engineReady = true
  }
  return wasm.SchemaEngine.new(
    { datamodels: schemaFiles().files.map((f) => [f.path, f.content]) },
    () => undefined,
    adapterFactory(url),
  )
}

/**
 * Reports columns of pg_catalog's type "char" (oid 18) as Character (6): the schema engine's own queries return them,
 * and adapter-pg refuses them.
 */
async function acceptCharColumns(url: string): Promise<void> {
  const probe = await new PrismaPg({ connectionString: url }).connect()
  type Queryable = {
    queryRaw(query: SqlQuery): Promise<{ columnTypes: number[] }>
    performIO(query: SqlQuery): Promise<{ fields: { dataTypeID: number }[] }>
  }
  const prototype: Queryable = Object.getPrototypeOf(Object.getPrototypeOf(probe))
  const original = prototype.queryRaw
  prototype.queryRaw = async function (this: Queryable, query) {
    let chars: boolean[] = []
    const self: Queryable = Object.create(this, {
      performIO: {
        value: async (q: SqlQuery) => {
          const result = await this.performIO(q)
          chars = result.fields.map((field) => field.dataTypeID === 18)
          for (const field of result.fields) if (field.dataTypeID === 18) field.dataTypeID = 25
          return result
        },
      },
    })
    const out = await original.call(self, query)
    for (const [i, isChar] of chars.entries()) if (isChar) out.columnTypes[i] = 6
    return out
  }
  await probe.dispose()
}

function adapterFactory(url: string) {
  const u = new URL(url)
  const config = (database: string) => ({
    host: u.hostname,
    port: Number(u.port || 5432),
    user: u.username,
    password: decodeURIComponent(u.password),
    database,
  })
  const base = new PrismaPg(config(u.pathname.slice(1)))
  return bindMigrationAwareSqlAdapterFactory({
    provider: base.provider,
    adapterName: base.adapterName,
    connect: () => base.connect(),
    /** Replaces adapter-pg's method, which drops the database before it closes its pool and ignores `database` beside a connectionString. */
    async connectToShadowDb(): Promise<SqlDriverAdapter> {
      const name = `stratolith_shadow_${crypto.randomUUID()}`
      const admin = await base.connect()
      await admin.executeScript(`CREATE DATABASE "${name}"`)
      const target = new URL(url)
      target.pathname = `/${name}`
      await runSql(target.href, ours('functions'))
      const shadow = await new PrismaPg(config(name)).connect()
      const end = shadow.dispose.bind(shadow)
      shadow.dispose = async () => {
        await end()
        await admin.executeScript(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
        await admin.dispose()
      }
      return shadow
    },
  })
}

async function withDatabase(fn: (url: string) => Promise<number>): Promise<number> {
  if (process.env.DATABASE_URL) return fn(process.env.DATABASE_URL)
  const dir = throwAwayDir('stratolith-schema-')
  const server = await startPostgres(dir, { durable: false })
  try {
    return await fn(server.url)
  } finally {
    await server.stop()
  }
}

async function main(): Promise<number> {
  const [command, name, ...names] = process.argv.slice(2)
  switch (command) {
    case 'generate':
      generate()
      return 0
    case 'deploy':
      return withDatabase(async (url) => {
        console.log('applied', await deploy(url, name ? [name, ...names] : []))
        return 0
      })
    case 'push':
      return withDatabase(push)
    case 'create':
      if (!name || !/^[a-z0-9_]+$/.test(name)) throw new Error('usage: migrate.ts create lower_case_name')
      return withDatabase(async (url) => {
        await create(url, name)
        return 0
      })
    case 'drift':
      return withDatabase(drift)
    default:
      console.error('usage: migrate.ts generate | create NAME | deploy [NAME…] | push | drift')
      return 2
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(await main())
