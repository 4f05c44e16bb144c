import { procedure, router } from '../kernel/trpc.ts'
import { systemInfo } from './service.ts'

export const systemRouter = router({
  info: procedure.query(({ ctx }) => systemInfo(ctx.cloud)),
})
