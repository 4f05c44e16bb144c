import fs from 'node:fs/promises'
import os from 'node:os'
import type { Ctx } from '../kernel/context.ts'
import { heldBack } from '../kernel/held-back.ts'
import { authorize } from '../kernel/policy.ts'
import type { SystemView } from './contract.ts'
import { readProcesses } from './processes.ts'

const mib = (bytes: number) => Math.round(bytes / 1024 ** 2)
const shownMigrations = 20

/** The present versions, processes, database and disk of the control plane. */
export async function systemInfo(ctx: Ctx): Promise<SystemView> {
  authorize(ctx, 'system:info')
  const { dataDir, region, publicUrl } = ctx.deps.config
  const [database, jobs, migrations, disk, processes, holder] = await Promise.all([
    databaseFacts(ctx),
    jobCounts(ctx),
    newestMigrations(ctx),
    fs.statfs(dataDir).catch(() => null),
    readProcesses(dataDir),
    heldBack(ctx.db),
  ])
  return {
    region,
    publicUrl,
    machine: {
      name: os.hostname(),
      system: `${os.type()} ${os.release()} ${os.machine()}`,
      processors: os.availableParallelism(),
      memoryMib: mib(os.totalmem()),
      freeMemoryMib: mib(os.freemem()),
    },
    versions: { node: process.versions.node, postgresql: database.version },
    migrations,
    database: { sizeBytes: Number(database.size), connections: Number(database.connections) },
    heldBack: holder && {
      pid: holder.pid,
      application: holder.application,
      userName: holder.userName,
      since: holder.since,
    },
    jobs,
    disk: disk && { totalBytes: disk.blocks * disk.bsize, freeBytes: disk.bavail * disk.bsize },
    processes,
  }
}

type DatabaseFacts = { version: string; size: bigint; connections: bigint }
async function databaseFacts(ctx: Ctx): Promise<DatabaseFacts> {
  const [row] = await ctx.db.$queryRaw<DatabaseFacts[]>`
    SELECT current_setting('server_version') AS "version", pg_database_size(current_database()) AS "size",
      (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS "connections"`
  return row ?? { version: '', size: 0n, connections: 0n }
}

/** The numbers of jobs; zero when the worker has not made its tables yet. */
async function jobCounts(ctx: Ctx): Promise<SystemView['jobs']> {
  if (!(await hasTable(ctx, 'graphile_worker.jobs'))) return { waiting: 0, failed: 0 }
  const [row] = await ctx.db.$queryRaw<{ waiting: bigint; failed: bigint }[]>`
    SELECT count(*) FILTER (WHERE attempts < max_attempts AND run_at <= now()) AS "waiting",
      count(*) FILTER (WHERE attempts >= max_attempts) AS "failed" FROM graphile_worker.jobs`
  return { waiting: Number(row?.waiting ?? 0), failed: Number(row?.failed ?? 0) }
}

/** The newest migrations; empty in a database that was made from the schema itself, as in tests. */
async function newestMigrations(ctx: Ctx): Promise<SystemView['migrations']> {
  if (!(await hasTable(ctx, '_prisma_migrations'))) return []
  const rows = await ctx.db.$queryRaw<{ name: string; at: Date }[]>`
    SELECT "migration_name" AS "name", "finished_at" AS "at" FROM "_prisma_migrations"
    WHERE "finished_at" IS NOT NULL ORDER BY "migration_name" DESC LIMIT ${shownMigrations}`
  return rows.map(({ name, at }) => ({ name, at: at.toISOString() }))
}

async function hasTable(ctx: Ctx, name: string): Promise<boolean> {
  const [row] = await ctx.db.$queryRaw<
    { there: boolean }[]
  >`SELECT to_regclass(${name}) IS NOT NULL AS "there"`
  return row?.there === true
}
