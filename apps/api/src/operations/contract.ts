import { z } from 'zod'
import { keystoneId } from '../directory/contract.ts'
import { type Page, pageInput } from '../kernel/contract.ts'

/** The filters by project, person and time; the first two are for administrators and readers of the system with `allProjects`. */
const filters = {
  projectId: keystoneId.optional(),
  actorId: keystoneId.optional(),
  /** The ISO times of the first and the last row, both included. */
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

export const auditListInput = pageInput.omit({ search: true }).extend({
  ...filters,
  /** A kind of events such as "instance.created", or a kind of things such as "instance.". */
  kind: z.string().max(80).optional(),
  resourceId: z.string().max(64).optional(),
})

/** One line of the audit log: the actor, the change, the time and the project. Names are the present ones, null when the thing is gone. */
export type AuditRow = {
  id: string
  at: string
  kind: string
  resourceKind: string
  resourceId: string
  /** The name in the last operation on the resource, also when the resource is gone; null when there was no operation. */
  resourceName: string | null
  /** Whether the resource is deleted now, so that a link would lead nowhere. */
  resourceDeleted: boolean
  projectId: string | null
  projectName: string | null
  /** The user's id; "system" for our own reconcilers and workflows. */
  actorId: string | null
  actorName: string | null
  requestId: string | null
  globalRequestId: string | null
  operationId: string | null
  data: Record<string, unknown>
}
export type AuditPage = Page<AuditRow> & {
  /** For how many days the log is kept. */
  keptDays: number
}
