import { z } from 'zod'
import { idInput } from '../../kernel/contract.ts'
import { procedure, router } from '../../kernel/trpc.ts'
import {
  groupCreateInput,
  groupDeleteInput,
  groupFromInput,
  groupListInput,
  groupSnapshotCreateInput,
  groupSnapshotListInput,
  groupTypeCreateInput,
  groupTypeUpdateInput,
  groupUpdateInput,
} from './contract.ts'
import { createGroup, deleteGroup, getGroup, listGroups, updateGroup } from './service.ts'
import {
  createGroupFrom,
  createGroupSnapshot,
  deleteGroupSnapshot,
  getGroupSnapshot,
  listGroupSnapshots,
} from './snapshots.ts'
import {
  createGroupType,
  deleteGroupType,
  getGroupType,
  listGroupTypes,
  makeDefaultGroupType,
  removeGroupSpec,
  setGroupSpecs,
  updateGroupType,
} from './types.ts'

const specKey = z.object({ id: z.uuid(), key: z.string().min(1).max(255) })

export const groupsRouter = router({
  list: procedure.input(groupListInput).query(({ ctx, input }) => listGroups(ctx.cloud, input)),
  get: procedure.input(idInput).query(({ ctx, input }) => getGroup(ctx.cloud, input)),
  create: procedure.input(groupCreateInput).mutation(({ ctx, input }) => createGroup(ctx.cloud, input)),
  createFrom: procedure.input(groupFromInput).mutation(({ ctx, input }) => createGroupFrom(ctx.cloud, input)),
  update: procedure.input(groupUpdateInput).mutation(({ ctx, input }) => updateGroup(ctx.cloud, input)),
  delete: procedure.input(groupDeleteInput).mutation(({ ctx, input }) => deleteGroup(ctx.cloud, input)),
  snapshots: router({
    list: procedure
      .input(groupSnapshotListInput)
      .query(({ ctx, input }) => listGroupSnapshots(ctx.cloud, input)),
    get: procedure.input(idInput).query(({ ctx, input }) => getGroupSnapshot(ctx.cloud, input)),
    create: procedure
      .input(groupSnapshotCreateInput)
      .mutation(({ ctx, input }) => createGroupSnapshot(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteGroupSnapshot(ctx.cloud, input)),
  }),
  types: router({
    list: procedure.query(({ ctx }) => listGroupTypes(ctx.cloud)),
    get: procedure.input(idInput).query(({ ctx, input }) => getGroupType(ctx.cloud, input)),
    create: procedure
      .input(groupTypeCreateInput)
      .mutation(({ ctx, input }) => createGroupType(ctx.cloud, input)),
    update: procedure
      .input(groupTypeUpdateInput)
      .mutation(({ ctx, input }) => updateGroupType(ctx.cloud, input)),
    makeDefault: procedure
      .input(idInput)
      .mutation(({ ctx, input }) => makeDefaultGroupType(ctx.cloud, input)),
    delete: procedure.input(idInput).mutation(({ ctx, input }) => deleteGroupType(ctx.cloud, input)),
    setSpec: procedure
      .input(specKey.extend({ value: z.string().max(255) }))
      .mutation(({ ctx, input }) =>
        setGroupSpecs(ctx.cloud, { id: input.id, specs: { [input.key]: input.value } }),
      ),
    removeSpec: procedure.input(specKey).mutation(({ ctx, input }) => removeGroupSpec(ctx.cloud, input)),
  }),
})
