import { asOwner, byId, name, owner, settled, system, volume } from '../../authorization.testing.ts'
import { projectOf } from '../../kernel/context.ts'
import { runPending } from '../../kernel/testing.ts'
import type { QuotaMaker, TestingRoom } from '../../rooms.testing.ts'
import { volumeCreateInput } from '../contract.ts'
import { createBackup, createVolume } from '../service.ts'
import { inTrash } from '../trash/testing.ts'
import { backupCreateInput } from './contract.ts'
import { backupTrash } from './trash.ts'

const begun = async () => {
  const input = backupCreateInput.parse({ volumeId: await volume(), name: name() })
  return (await createBackup(owner, input)).id
}
const backup = async () => {
  const id = await begun()
  await settled()
  return id
}
const deletedBackup = async () => {
  const id = await backup()
  await inTrash(system(), backupTrash, id)
  return id
}

/** A backup that lies in its store and has no row. */
const stored = async () => {
  const where = { id: await backup() }
  const { id, volumeId, hostId } = await system().deps.root.volumeBackup.delete({ where })
  return { id, volumeId, hostId }
}

const ofVolume = async () => ({ volumeId: await volume() })

/** The rows of the authorization matrix for backups. */
export const backupRows: NonNullable<TestingRoom['rows']> = {
  'backups.list': { kind: 'list', input: () => ({}) },
  'backups.get': byId('read', backup),
  'backups.plan': { kind: 'write', input: ofVolume },
  'backups.create': { kind: 'write', input: async () => ({ volumeId: await volume(), name: name() }) },
  'backups.update': byId('write', backup, { name: 'new' }),
  'backups.restore': {
    kind: 'write',
    input: async () => ({ id: await backup(), volumeId: await volume() }),
  },
  'backups.cancel': byId('write', begun),
  'backups.delete': byId('write', backup),
  'backups.stores': { kind: 'admin' },
  'backups.unknown': { kind: 'admin' },
  'backups.importStored': { kind: 'admin', input: stored },
  'backups.removeStored': { kind: 'admin', input: stored },
  'backups.schedule.get': { kind: 'read', input: ofVolume },
  'backups.schedule.set': { kind: 'write', input: async () => ({ ...(await ofVolume()), every: 'day' }) },
  'backups.schedule.remove': {
    kind: 'write',
    async input() {
      const of = await ofVolume()
      await asOwner().volumes.backups.schedule.set({ ...of, every: 'day' })
      return of
    },
  },
  'backups.trash.list': { kind: 'list', input: () => ({}) },
  'backups.trash.takeBack': byId('write', deletedBackup),
  'backups.trash.end': byId('write', deletedBackup),
}

/** A hundred volumes, because a volume is backed up once at a time. Only their rows are needed. */
export const backupQuota: QuotaMaker = {
  async prepare(ctx) {
    const { id } = await createVolume(ctx, volumeCreateInput.parse({ sizeGib: 1 }))
    await runPending(ctx.deps)
    const { source, metadata, imageMetadata, ...row } = await ctx.deps.root.volume.findUniqueOrThrow({
      where: { id },
    })
    const data = Array.from({ length: 100 }, (_, i) => ({ ...row, id: crypto.randomUUID(), name: `v${i}` }))
    await ctx.deps.root.volume.createMany({ data })
    return ''
  },
  async make(ctx, i) {
    const where = { projectId: projectOf(ctx), name: `v${i}` }
    const { id } = await ctx.deps.root.volume.findFirstOrThrow({ where })
    return createBackup(ctx, backupCreateInput.parse({ volumeId: id }))
  },
}
