import { Prisma } from '@stratolith/db'
import { onProjectDeleting, onUserDeleting } from '../directory/service.ts'
import { defineDocument, defineGuests, defineTaker } from '../hosts/service.ts'
import { refuseImageDelete } from '../images/service.ts'
import { defineRoom } from '../kernel/manifest.ts'
import { defineHostnames, defineInstanceNames } from '../networking/service.ts'
import { defineInstances } from '../volumes/service.ts'
import { computeDocuments } from './documents.ts'
import { hostnameSql, instanceNames, instancesOnHosts, roomOfInstances } from './guests.ts'
import { refuseWhileInstancesUse } from './instances/service.ts'
import { instancesOfVolumes } from './instances/volumes.ts'
import { novaDoor } from './openstack/door.ts'
import { computePolicy } from './policy.ts'
import { computeContents, forgetUsers } from './project-deletion.ts'
import { computeReconcilers } from './reconcile.ts'
import { computeRouter } from './router.ts'
import { attachmentWorkflows } from './workflows/attachments.ts'
import { creation } from './workflows/create.ts'
import { deletion } from './workflows/delete.ts'
import { powerWorkflows } from './workflows/power.ts'

declare module '../kernel/contract.ts' {
  interface QuotaResources {
    instances: true
    vcpus: true
    memoryMib: true
    serverGroups: true
    keyPairs: true
  }
}

export const computeRoom = defineRoom({
  name: 'compute',
  uses: ['directory', 'identity', 'quota', 'hosts', 'images', 'networking', 'volumes'],
  kinds: { instance: { buried: true }, flavor: {}, keyPair: {}, serverGroup: {} },
  quota: {
    instances: { lock: 1, words: 'instances', limit: 20, rows: { table: 'Instance' } },
    vcpus: { lock: 2, words: 'vCPUs', limit: 40, rows: { table: 'Instance', amount: Prisma.sql`"vcpus"` } },
    memoryMib: {
      lock: 3,
      words: 'memory',
      unit: 'MiB',
      limit: 51_200,
      rows: { table: 'Instance', amount: Prisma.sql`"memoryMib"` },
    },
    serverGroups: { lock: 14, words: 'server groups', limit: 10, rows: { table: 'ServerGroup' } },
    keyPairs: { lock: 4, words: 'key pairs', limit: 100, of: 'user', rows: { table: 'KeyPair' } },
  },
  policy: computePolicy,
  router: computeRouter,
  openstack: [novaDoor],
  workflows: [creation, deletion, ...attachmentWorkflows, ...powerWorkflows],
  reconcilers: computeReconcilers,
  kept: [
    {
      name: 'past instances',
      days: (config) => config.keep.pastInstancesDays,
      table: 'PastInstance',
      column: 'terminatedAt',
    },
  ],
  joins() {
    for (const thing of computeContents) onProjectDeleting(thing)
    for (const document of computeDocuments) defineDocument(document)
    defineGuests(instancesOnHosts)
    defineTaker(roomOfInstances)
    defineInstances(instancesOfVolumes)
    defineHostnames(hostnameSql)
    defineInstanceNames(instanceNames)
    onUserDeleting(forgetUsers)
    refuseImageDelete(refuseWhileInstancesUse)
  },
})
