import fs from 'node:fs'
import { adminProjectId } from '../directory/service.ts'
import { type Deps, inTransaction, systemCtx } from '../kernel/context.ts'
import { CloudError } from '../kernel/errors.ts'
import { createImageRow, uploadImage } from './service.ts'

const name = 'Tiny test image'
const importMs = 120_000

/**
 * Makes the public test image of a new cloud; resolves when the image can be launched. Does nothing when the image
 * exists, or existed once and was deleted.
 */
export async function seedTestImage(deps: Deps, file: string): Promise<void> {
  const ctx = systemCtx(deps, 'seed-image')
  const projectId = await adminProjectId(ctx)
  const made = await inTransaction(ctx, async (tx) => {
    await tx.db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('seed-image'))`
    const found = await tx.db.image.findFirst({
      where: { projectId, name },
      orderBy: { createdAt: 'asc' },
    })
    if (found) return found
    return createImageRow(tx, projectId, {
      name,
      description:
        'A small Linux for trying things out. Login: tiny, password: tinycloud, or the key pair of the instance.',
      diskFormat: 'qcow2',
      visibility: 'public',
      minDiskGib: 0,
      minRamMib: 128,
      properties: { os_admin_user: 'tiny' },
      protected: false,
    })
  })
  if (made.state === 'queued') await uploadImage(ctx, { id: made.id, source: fs.createReadStream(file) })
  await untilImported(deps, made.id)
}

async function untilImported(deps: Deps, id: string): Promise<void> {
  const deadline = Date.now() + importMs
  for (;;) {
    const row = await deps.root.image.findUniqueOrThrow({ where: { id } })
    if (row.state === 'active' || row.state === 'deleted') return
    if (row.state === 'killed' || Date.now() > deadline)
      throw new CloudError(
        'unavailable',
        `The test image is ${row.state}: ${row.errorMessage ?? 'no reason'}`,
      )
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
