import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'
import { pageInput } from '../kernel/contract.ts'

/** Whose and when; for administrators and readers of the system with `allProjects`. */
const filters = {
  projectId: keystoneId.optional(),
  actorId: keystoneId.optional(),
  /** ISO times, both included. */
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
}

export const operationListInput = pageInput.extend({
  ...filters,
  resourceKind: z.string().max(40).optional(),
  resourceId: z.string().max(64).optional(),
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'undoing']).optional(),
  action: z.string().max(80).optional(),
})

export const auditListInput = z.object({
  ...filters,
  limit: z.number().int().min(1).max(1000).default(50),
  /** `next` of the page before. */
  marker: z
    .string()
    .regex(/^[0-9]{1,18}$/)
    .optional(),
  allProjects: z.boolean().default(false),
  /** "instance.created", or a resource's: "instance." */
  kind: z.string().max(80).optional(),
  resourceId: z.string().max(64).optional(),
})

/** One line of the audit: who changed what, when, where. Names as they are now, null when gone. */
export type AuditRow = {
  id: string
  at: string
  kind: string
  resourceKind: string
  resourceId: string
  /** As an operation last called it, also of what is gone; null when none has worked on it. */
  resourceName: string | null
  projectId: string | null
  projectName: string | null
  /** "system" for our own reconcilers and workflows. */
  actorId: string | null
  actorName: string | null
  requestId: string | null
  globalRequestId: string | null
  operationId: string | null
  data: Record<string, unknown>
}
/** `next` is the marker of the next page; there is no total: the log is as long as the cloud is old. */
export type AuditPage = {
  items: AuditRow[]
  next: string | null
  /** How far back the log goes. */
  keptDays: number
}
