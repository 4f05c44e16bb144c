import { procedure, router } from '../kernel/trpc.ts'
import { explainInput } from './contract.ts'
import { explain, listRules } from './service.ts'

export const policyRouter = router({
  rules: procedure.query(({ ctx }) => listRules(ctx.cloud)),
  explain: procedure.input(explainInput).query(({ ctx, input }) => explain(ctx.cloud, input)),
})
