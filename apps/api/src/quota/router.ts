import { procedure, router } from '../kernel/trpc.ts'
import { quotaDefaultsInput, quotaGetInput, quotaSetInput } from './contract.ts'
import { getQuota, getQuotaDefaults, setQuota, setQuotaDefaults } from './limits/service.ts'

export const quotaRouter = router({
  get: procedure.input(quotaGetInput.optional()).query(({ ctx, input }) => getQuota(ctx.cloud, input)),
  set: procedure.input(quotaSetInput).mutation(({ ctx, input }) => setQuota(ctx.cloud, input)),
  defaults: procedure.query(({ ctx }) => getQuotaDefaults(ctx.cloud)),
  setDefaults: procedure
    .input(quotaDefaultsInput)
    .mutation(({ ctx, input }) => setQuotaDefaults(ctx.cloud, input)),
})
