import { idInput, pageInput } from '../../kernel/contract.ts'
import { procedure, router } from '../../kernel/trpc.ts'
import { decryptType, encryptType } from '../encryption/type.ts'
import { grantType, revokeType, typeAccess } from './access.ts'
import {
  volumeTypeAccessInput,
  volumeTypeCreateInput,
  volumeTypeEncryptInput,
  volumeTypeKeyInput,
  volumeTypeSpecInput,
  volumeTypeUpdateInput,
} from './contract.ts'
import { removeTypeLimit, setTypeLimit } from './qos.ts'
import { pageOfTypes } from './queries.ts'
import {
  createVolumeType,
  deleteVolumeType,
  getDefaultType,
  getVolumeType,
  listVolumeTypes,
  makeDefaultType,
  removeTypeSpec,
  setTypeSpecs,
  updateVolumeType,
} from './service.ts'

export const typesRouter = router({
  list: procedure.input(pageInput).query(({ ctx, input }) => pageOfTypes(ctx.cloud, input)),
  /** All that the caller may choose for a volume, and the one that counts when they choose none. */
  usable: procedure.query(async ({ ctx }) => ({
    types: await listVolumeTypes(ctx.cloud),
    defaultId: (await getDefaultType(ctx.cloud))?.id ?? null,
  })),
  get: procedure.input(idInput).query(({ ctx, input }) => getVolumeType(ctx.cloud, input)),
  create: procedure
    .input(volumeTypeCreateInput)
    .mutation(({ ctx, input }) => createVolumeType(ctx.cloud, input)),
  update: procedure
    .input(volumeTypeUpdateInput)
    .mutation(({ ctx, input }) => updateVolumeType(ctx.cloud, input)),
  makeDefault: procedure.input(idInput).mutation(({ ctx, input }) => makeDefaultType(ctx.cloud, input)),
  delete: procedure
    .input(idInput)
    .mutation(({ ctx, input }) => deleteVolumeType(ctx.cloud, { ...input, withLimits: true })),
  encrypt: procedure
    .input(volumeTypeEncryptInput)
    .mutation(({ ctx, input: { id, encrypted } }) =>
      encrypted
        ? encryptType(ctx.cloud, { id, cipher: null, keySize: null })
        : decryptType(ctx.cloud, { id }),
    ),
  setSpec: procedure
    .input(volumeTypeSpecInput)
    .mutation(({ ctx, input }) =>
      setTypeSpecs(ctx.cloud, { id: input.id, specs: { [input.key]: input.value } }),
    ),
  removeSpec: procedure
    .input(volumeTypeKeyInput)
    .mutation(({ ctx, input }) => removeTypeSpec(ctx.cloud, input)),
  setLimit: procedure.input(volumeTypeSpecInput).mutation(({ ctx, input }) => setTypeLimit(ctx.cloud, input)),
  removeLimit: procedure
    .input(volumeTypeKeyInput)
    .mutation(({ ctx, input }) => removeTypeLimit(ctx.cloud, input)),
  access: procedure.input(idInput).query(({ ctx, input }) => typeAccess(ctx.cloud, input)),
  grant: procedure.input(volumeTypeAccessInput).mutation(({ ctx, input }) => grantType(ctx.cloud, input)),
  revoke: procedure.input(volumeTypeAccessInput).mutation(({ ctx, input }) => revokeType(ctx.cloud, input)),
})
