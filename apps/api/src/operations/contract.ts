import { z } from 'zod'
import { pageInput } from '../kernel/contract.ts'

export const operationListInput = pageInput.extend({
  resourceKind: z.string().max(40).optional(),
  resourceId: z.string().max(64).optional(),
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'undoing']).optional(),
  action: z.string().max(80).optional(),
})
