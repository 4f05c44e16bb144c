import { procedure, router } from '../kernel/trpc.ts'
import { getQuota } from './service.ts'

export const quotaRouter = router({
  get: procedure.query(({ ctx }) => getQuota(ctx.cloud)),
})
