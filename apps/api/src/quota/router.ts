import { procedure, router } from '../kernel/trpc.ts'
import { quotaDefaultsInput, quotaGetInput, quotaSetInput } from './contract.ts'
import {
  getPartDefaults,
  getPartQuota,
  getQuota,
  getQuotaDefaults,
  setQuota,
  setQuotaDefaults,
} from './limits/service.ts'

export const quotaRouter = router({
  get: procedure.input(quotaGetInput.optional()).query(({ ctx, input }) => getQuota(ctx.cloud, input)),
  parts: procedure.input(quotaGetInput.optional()).query(({ ctx, input }) => getPartQuota(ctx.cloud, input)),
  partDefaults: procedure.query(({ ctx }) => getPartDefaults(ctx.cloud)),
  set: procedure.input(quotaSetInput).mutation(({ ctx, input }) => setQuota(ctx.cloud, input)),
  defaults: procedure.query(({ ctx }) => getQuotaDefaults(ctx.cloud)),
  setDefaults: procedure
    .input(quotaDefaultsInput)
    .mutation(({ ctx, input }) => setQuotaDefaults(ctx.cloud, input)),
})
