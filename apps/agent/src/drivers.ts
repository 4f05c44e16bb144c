import path from 'node:path'
import { backupDrivers } from '@stratolith/drivers/backups/registry'
import { createDocuments } from '@stratolith/drivers/documents'
import { takenByOthers } from '@stratolith/drivers/guest-uids'
import { type LocalHostDrivers, reportOf } from '@stratolith/drivers/host'
import { hypervisors } from '@stratolith/drivers/hypervisor/registry'
import { machineNameServers } from '@stratolith/drivers/network/name-servers'
import { networks } from '@stratolith/drivers/network/registry'
import { backgroundOp } from '@stratolith/drivers/op'
import { storages } from '@stratolith/drivers/storage/registry'
import { volumesByPool } from '@stratolith/drivers/volumes/by-pool'
import { keysFolder } from '@stratolith/drivers/volumes/keys'
import { type VolumeOptions, volumeDrivers } from '@stratolith/drivers/volumes/registry'
import type { Logger } from 'pino'
import type { AgentConfig } from './config.ts'
import { egressOf } from './egress.ts'
import { driveFiles } from './metadata/drive.ts'

/** What the drivers of volumes share. */
type WithVolumes = Pick<
  VolumeOptions['files'] & VolumeOptions['rbd'] & VolumeOptions['iscsi'],
  'dir' | 'host' | 'imagesDir' | 'converter' | 'withGuest' | 'baseOf'
>

/**
 * Makes the real drivers of this machine. The network comes first, because guests run in its namespace. Throws
 * an error that says what to install when the machine lacks something.
 */
export async function openDrivers(config: AgentConfig, log: Logger): Promise<LocalHostDrivers> {
  const taken = takenByOthers(config.guestUids)
  if (taken) throw new Error(`No guest can have a user of its own: ${taken}`)
  const network = networks.linux({
    cloud: config.cloud,
    host: config.host,
    dir: path.join(config.hostDir, 'network'),
    egress: egressOf(config.egress),
    externalCidr: config.externalCidr,
    guestDeny: config.guestDeny,
    nameServers: config.nameServers ?? machineNameServers(),
    log,
  })
  const { namespace, ...facts } = await network.probe(backgroundOp(log, 'open'))
  log.info({ ...facts, egress: network.capabilities.egress }, 'what guests may not reach from here')
  const imagesDir = path.join(config.dataDir, 'images')
  const storage = storages.files({
    dir: config.hostDir,
    imagesDir,
    converter: config.guestUids.converter,
  })
  const withVolumes: WithVolumes = {
    dir: config.hostDir,
    host: config.host,
    imagesDir,
    converter: config.guestUids.converter,
    withGuest: (...work) => hypervisor.withGuest(...work),
    baseOf: async (op, base) => (await storage.ensureBase(op, base)) && storage.basePath(base.blobId),
  }
  const volumes = volumesByPool({
    files: volumeDrivers.files({
      ...withVolumes,
      keysDir: keysFolder(config.cloud, config.host),
      ownFolders: [config.dataDir],
    }),
    rbd: volumeDrivers.rbd({ ...withVolumes, serverUid: config.guestUids.probe, log }),
    iscsi: volumeDrivers.iscsi({ ...withVolumes, serverUid: config.guestUids.probe, log }),
  })
  const hypervisor = hypervisors.qemu({
    dir: config.hostDir,
    netns: namespace,
    accel: config.accel,
    uids: config.guestUids,
    configFiles: async (spec) =>
      driveFiles({ spec, ports: await network.portsOf(spec.id) }, new Date().toISOString().slice(0, 10)),
    volumes,
    log,
  })
  // what it puts in order there is needed before a guest of an older agent can start again
  await storage.probe(backgroundOp(log, 'open'))
  const documents = createDocuments({
    hypervisor,
    network,
    storage,
    dir: path.join(config.hostDir, 'documents'),
  })
  const store = backupDrivers.folder(config.backupsDir, path.join(config.hostDir, 'backup-store.json'))
  const backups = backupDrivers.volumes({
    volumes,
    storeOf: (id) => (id === 'local' ? store : undefined),
  })
  const parts = { hypervisor, network, storage, volumes, backups }
  return { ...parts, documents, report: (op) => reportOf(parts, op) }
}
