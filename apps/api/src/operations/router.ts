import { idInput } from '../kernel/contract.ts'
import { procedure, router } from '../kernel/trpc.ts'
import { listAudit } from './audit.ts'
import { auditListInput, operationListInput } from './contract.ts'
import { eventPosition, getOperation, listOperations } from './service.ts'

export const operationsRouter = router({
  list: procedure.input(operationListInput).query(({ ctx, input }) => listOperations(ctx.cloud, input)),
  audit: procedure.input(auditListInput).query(({ ctx, input }) => listAudit(ctx.cloud, input)),
  /** The place in the event log from which a page follows that is rendered on the server. */
  position: procedure.query(({ ctx }) => eventPosition(ctx.cloud)),
  get: procedure.input(idInput).query(({ ctx, input }) => getOperation(ctx.cloud, input)),
})
