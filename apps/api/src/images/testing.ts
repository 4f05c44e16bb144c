import fs from 'node:fs'
import type { HostDrivers } from '@stratolith/drivers/host'
import { createFakeStorage, type FakeStorage } from '@stratolith/drivers/storage/fake'
import { type Ctx, type Deps, systemCtx } from '../kernel/context.ts'
import { testDeps } from '../kernel/testing.ts'
import '../register.ts'

export type ImageWorld = { deps: Deps; system: Ctx; storage: FakeStorage; close(): Promise<void> }

/** Makes a cloud with one simulated host and a real image store in a folder of its own. */
export async function imageWorld(): Promise<ImageWorld> {
  const storage = createFakeStorage({ baseBytes: 512 })
  const { deps, close } = await testDeps(() => ({ storage }) as unknown as HostDrivers)
  await deps.root.host.create({
    data: { id: crypto.randomUUID(), name: 'a', endpoint: 'fake:a', vcpus: 4, memoryMib: 4096, diskGib: 100 },
  })
  return {
    deps,
    system: systemCtx(deps, 'test'),
    storage,
    async close() {
      await close()
      fs.rmSync(deps.config.dataDir, { recursive: true, force: true })
    },
  }
}
