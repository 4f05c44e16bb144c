import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createDocuments } from '@stratolith/drivers/documents'
import { createFakeParts } from '@stratolith/drivers/fake-parts'
import { reportOf } from '@stratolith/drivers/host'
import type { FakeHypervisor } from '@stratolith/drivers/hypervisor/fake'
import { pino } from 'pino'
import { agentServer, listenOn } from '../../apps/agent/src/serve.ts'
import { connectDatabase } from '../../tools/cloud/connect.ts'
import { type Api, type Cloud, until } from './cloud.ts'

/** A fake host. Tests tell `hypervisor` which call fails next. */
export type FakeHost = { name: string; hypervisor: FakeHypervisor; remove(): Promise<void> }

/**
 * Starts an agent in this process with fake drivers, which fail as a test tells them, and adds it to the cloud as a
 * host beside the real host. Until the fake host is removed, new instances are placed only on it.
 */
export async function addFakeHost(cloud: Cloud, admin: Api): Promise<FakeHost> {
  const name = `fake-${crypto.randomUUID().slice(0, 6)}`
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-fake-host-'))
  const socketPath = path.join(folder, 'agent.sock')
  const parts = createFakeParts({
    hypervisor: { vcpus: 64, memoryMib: 262_144, diskGib: 4_096 },
    network: { host: name },
  })
  const { hypervisor } = parts
  const drivers = { ...parts, documents: createDocuments(parts), report: reportOf.bind(null, parts) }
  const server = agentServer({
    drivers,
    log: pino({ level: 'silent' }),
    mayChange: () => undefined,
    health: () => ({ ok: true, host: name }),
  })
  await listenOn(server, { socketPath })
  // The api and the worker run as other users, which must reach the socket.
  fs.chmodSync(folder, 0o755)
  fs.chmodSync(socketPath, 0o666)

  const real = (await admin.hosts.list.query({})).items.map(({ id }) => id)
  const enable = (enabled: boolean) =>
    Promise.all(
      real.map((id) =>
        admin.hosts.update.mutate({ id, enabled, ...(enabled ? {} : { reason: `Tests use ${name}.` }) }),
      ),
    )
  await enable(false)
  const id = crypto.randomUUID()
  const change = async (statement: string, values: unknown[]) => {
    const database = await connectDatabase(cloud.data)
    await database.query(statement, values).finally(() => database.end())
  }
  await change(
    `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib") VALUES ($1, $2, $3, 64, 262144, 4096)`,
    [id, name, `unix:${socketPath}`],
  ).catch(async (error: unknown) => {
    await enable(true)
    throw error
  })
  return {
    name,
    hypervisor,
    async remove() {
      await enable(true)
      try {
        await until('an empty host', 60_000, async () => {
          const { instances } = await admin.hosts.get.query({ id })
          return instances === 0
        })
      } finally {
        server.close()
        server.closeAllConnections()
        fs.rmSync(folder, { recursive: true, force: true })
        // The cloud would notice the missing agent only after some beats, which takes longer than all of these tests.
        await change(`UPDATE "Host" SET "state" = 'down' WHERE "id" = $1`, [id])
      }
      await admin.hosts.delete.mutate({ id })
    },
  }
}
