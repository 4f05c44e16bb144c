import { idInput, pageInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { createConsole } from './consoles/service.ts'
import {
  adoptInput,
  attachInput,
  attachVolumeInput,
  consoleCreateInput,
  consoleLogInput,
  detachInput,
  detachVolumeInput,
  flavorAccessInput,
  flavorCreateInput,
  flavorRef,
  flavorSpecInput,
  flavorSpecRef,
  freeVolumesInput,
  instanceDeleteInput,
  instanceListInput,
  instanceLockInput,
  instanceResetInput,
  instancesSummaryInput,
  instanceTagsInput,
  instanceUpdateInput,
  instanceVolumeInput,
  keepVolumeInput,
  keyPairCreateInput,
  keyPairRef,
  launchInput,
  metadataRemoveInput,
  metadataSetInput,
  planInput,
  rebootInput,
  serverGroupCreateInput,
  serverGroupListInput,
} from './contract.ts'
import {
  createFlavor,
  deleteFlavor,
  flavorAccess,
  getFlavor,
  grantFlavor,
  listFlavors,
  removeExtraSpec,
  revokeFlavor,
  setExtraSpecs,
} from './flavors/service.ts'
import { createServerGroup, deleteServerGroup, getServerGroup, serverGroupPage } from './groups/service.ts'
import {
  deleteInstance,
  lockInstance,
  pauseInstance,
  rebootInstance,
  resetInstance,
  startInstance,
  stopInstance,
  unlockInstance,
  unpauseInstance,
  updateInstance,
} from './instances/actions.ts'
import { adoptInstance } from './instances/adopt.ts'
import { attachInterface, detachInterface } from './instances/interfaces.ts'
import { launchInstances, planInstance } from './instances/launch.ts'
import { removeMetadataItem, setMetadataItem, setTags } from './instances/metadata-and-tags.ts'
import { consoleLog, getInstance, listInstances } from './instances/service.ts'
import { summarizeInstances } from './instances/summary.ts'
import {
  attachVolume,
  createVolumeFor,
  detachVolume,
  freeVolumesFor,
  keepVolume,
} from './instances/volumes.ts'
import { instanceWaiting } from './instances/waiting.ts'
import { placeableZones } from './instances/zones.ts'
import { createKeyPair, deleteKeyPair, getKeyPair, listKeyPairs } from './key-pairs/service.ts'

const instancesRouter = router({
  list: procedure.input(instanceListInput).query(({ ctx, input }) => listInstances(ctx.cloud, input)),
  summary: procedure
    .input(instancesSummaryInput)
    .query(({ ctx, input }) => summarizeInstances(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getInstance(ctx.cloud, input)),
  waiting: procedure.input(idInput).query(({ ctx, input }) => instanceWaiting(ctx.cloud, input)),
  plan: procedure.input(planInput).query(({ ctx, input }) => planInstance(ctx.cloud, input)),
  launch: procedure.input(launchInput).mutation(({ ctx, input }) => launchInstances(ctx.cloud, input)),
  start: procedure.input(idInput).mutation(({ ctx, input }) => startInstance(ctx.cloud, input)),
  stop: procedure.input(idInput).mutation(({ ctx, input }) => stopInstance(ctx.cloud, input)),
  reboot: procedure.input(rebootInput).mutation(({ ctx, input }) => rebootInstance(ctx.cloud, input)),
  pause: procedure.input(idInput).mutation(({ ctx, input }) => pauseInstance(ctx.cloud, input)),
  unpause: procedure.input(idInput).mutation(({ ctx, input }) => unpauseInstance(ctx.cloud, input)),
  update: procedure.input(instanceUpdateInput).mutation(({ ctx, input }) => updateInstance(ctx.cloud, input)),
  delete: procedure.input(instanceDeleteInput).mutation(({ ctx, input }) => deleteInstance(ctx.cloud, input)),
  lock: procedure.input(instanceLockInput).mutation(({ ctx, input }) => lockInstance(ctx.cloud, input)),
  unlock: procedure.input(idInput).mutation(({ ctx, input }) => unlockInstance(ctx.cloud, input)),
  attachInterface: procedure
    .input(attachInput)
    .mutation(({ ctx, input }) => attachInterface(ctx.cloud, input)),
  detachInterface: procedure
    .input(detachInput)
    .mutation(({ ctx, input }) => detachInterface(ctx.cloud, input)),
  attachVolume: procedure
    .input(attachVolumeInput)
    .mutation(({ ctx, input }) => attachVolume(ctx.cloud, input)),
  detachVolume: procedure
    .input(detachVolumeInput)
    .mutation(({ ctx, input }) => detachVolume(ctx.cloud, input)),
  keepVolume: procedure.input(keepVolumeInput).mutation(({ ctx, input }) => keepVolume(ctx.cloud, input)),
  freeVolumes: procedure.input(freeVolumesInput).query(({ ctx, input }) => freeVolumesFor(ctx.cloud, input)),
  createVolume: procedure
    .input(instanceVolumeInput)
    .mutation(({ ctx, input }) => createVolumeFor(ctx.cloud, input)),
  adopt: procedure.input(adoptInput).mutation(({ ctx, input }) => adoptInstance(ctx.cloud, input)),
  /** For administrators, when an instance is stuck. */
  resetState: procedure
    .input(instanceResetInput)
    .mutation(({ ctx, input }) => resetInstance(ctx.cloud, input)),
  setMetadata: procedure
    .input(metadataSetInput)
    .mutation(({ ctx, input }) => setMetadataItem(ctx.cloud, input)),
  removeMetadata: procedure
    .input(metadataRemoveInput)
    .mutation(({ ctx, input }) => removeMetadataItem(ctx.cloud, input)),
  setTags: procedure
    .input(instanceTagsInput)
    .mutation(({ ctx, input }) => setTags(ctx.cloud, input.id, () => input.tags)),
  consoleLog: procedure.input(consoleLogInput).query(({ ctx, input }) => consoleLog(ctx.cloud, input)),
  createConsole: procedure
    .input(consoleCreateInput)
    .mutation(({ ctx, input }) => createConsole(ctx.cloud, input)),
})

const flavorsRouter = router({
  list: procedure.input(pageInput).query(({ ctx, input }) => listFlavors(ctx.cloud, input)),
  create: procedure.input(flavorCreateInput).mutation(({ ctx, input }) => createFlavor(ctx.cloud, input)),
  get: procedure.input(flavorRef).query(({ ctx, input }) => getFlavor(ctx.cloud, input)),
  delete: procedure.input(flavorRef).mutation(({ ctx, input }) => deleteFlavor(ctx.cloud, input)),
  setSpec: procedure
    .input(flavorSpecInput)
    .mutation(({ ctx, input }) =>
      setExtraSpecs(ctx.cloud, { id: input.id, specs: { [input.key]: input.value } }),
    ),
  removeSpec: procedure.input(flavorSpecRef).mutation(({ ctx, input }) => removeExtraSpec(ctx.cloud, input)),
  access: procedure.input(flavorRef).query(({ ctx, input }) => flavorAccess(ctx.cloud, input)),
  grant: procedure.input(flavorAccessInput).mutation(({ ctx, input }) => grantFlavor(ctx.cloud, input)),
  revoke: procedure.input(flavorAccessInput).mutation(({ ctx, input }) => revokeFlavor(ctx.cloud, input)),
})

const keyPairsRouter = router({
  list: procedure.input(pageInput).query(({ ctx, input }) => listKeyPairs(ctx.cloud, input)),
  get: procedure.input(keyPairRef).query(({ ctx, input }) => getKeyPair(ctx.cloud, input)),
  create: procedure.input(keyPairCreateInput).mutation(({ ctx, input }) => createKeyPair(ctx.cloud, input)),
  delete: procedure.input(keyPairRef).mutation(({ ctx, input }) => deleteKeyPair(ctx.cloud, input)),
})

const serverGroupsRouter = router({
  list: procedure.input(serverGroupListInput).query(({ ctx, input }) => serverGroupPage(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getServerGroup(ctx.cloud, input)),
  create: procedure
    .input(serverGroupCreateInput)
    .mutation(({ ctx, input }) => createServerGroup(ctx.cloud, input)),
  delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteServerGroup(ctx.cloud, input)),
})

export const computeRouter = router({
  instances: instancesRouter,
  flavors: flavorsRouter,
  keyPairs: keyPairsRouter,
  serverGroups: serverGroupsRouter,
  /** Where instances may be placed, for the launch form. */
  zones: procedure.query(({ ctx }) => placeableZones(ctx.cloud)),
})
