import { z } from 'zod'

/** Shapes that every room and the portal share. Browser-safe. */

export const idInput = z.object({ id: z.uuid() })
/** The id of a project that the caller names, whether or not the caller may see the project. */
export const projectIdInput = z.string().regex(/^[0-9a-zA-Z_.-]{1,64}$/, 'Name a project by its id.')
export const nameInput = z
  .string()
  .trim()
  .min(1, 'Give it a name.')
  .max(255, 'A name has at most 255 characters.')
  .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'A name has no control characters or line breaks.')
export const descriptionInput = z
  .string()
  .max(1000, 'A description has at most 1000 characters.')
  .regex(/^[^\0\p{Cs}]*$/u, 'A description has no NUL characters.')

/** The input of every list; `marker` is `next` or `previous` of another page. */
export const pageInput = z.object({
  limit: z.number().int().min(1).max(1000).default(50),
  marker: z.string().max(4000).optional(),
  /** A word of the list ("name"), with "-" before it for the other direction. */
  sort: z
    .string()
    .regex(/^-?[a-zA-Z]{1,30}$/)
    .optional(),
  /** Of the list's usual order, where `sort` says nothing. */
  sortDir: z.enum(['asc', 'desc']).default('desc'),
  /** Lists all projects; refused for callers who are not administrators. */
  allProjects: z.boolean().default(false),
  search: z.string().max(255).optional(),
})
export type PageInput = z.output<typeof pageInput>

export type Page<T> = {
  items: T[]
  /** Markers of the pages around this one; null where there is none. */
  next: string | null
  previous: string | null
  /** How many rows the list has, up to a thousand; with `atLeast` there are more. */
  total: number
  atLeast: boolean
  /** Which row of the list is the first of the page; null beyond the first thousand, and of an empty page. */
  first: number | null
}

export const errorCodes = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'not_found',
  'already_exists',
  'conflict',
  'quota_exceeded',
  'no_capacity',
  'unsupported',
  'unavailable',
  'internal',
] as const
export type ErrorCode = (typeof errorCodes)[number]

/** An error as the caller gets it (in tRPC: `error.data.cloud`). */
export type ErrorView = {
  code: ErrorCode
  message: string
  requestId: string
  /** The input field that caused the error, if any. */
  field: string | null
  retryable: boolean
}

/** Whether an action is allowed: true, or the sentence that says why not (shown on the disabled button). */
export type Allowed = true | string

export type StepView = {
  index: number
  name: string
  title: string
  state: 'pending' | 'running' | 'done' | 'failed' | 'undone'
  progress: string | null
  startedAt: string | null
  finishedAt: string | null
  error: string | null
}
/** The checks of one candidate host in one placement. */
export type HostVerdict = {
  hostId: string
  /** Real names only for administrators; "host 1" … for others. */
  host: string
  fits: boolean
  checks: { check: string; ok: boolean; need: string; have: string; reason: string | null }[]
}
/** The checks of the cloud's hosts in one placement. */
export type PlacementView = {
  total: number
  fit: number
  /** How many hosts fail which check (each host counts once, for the first check that it fails). */
  refused: { check: string; hosts: number }[]
  /** At most 50 hosts: those that were chosen, those that refuse, then others. */
  verdicts: HostVerdict[]
}
export type OperationView = {
  id: string
  action: string
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'undoing'
  resourceKind: string
  resourceId: string
  resourceName: string
  /** Whether the resource is deleted now, so that a link would lead nowhere. */
  resourceDeleted: boolean
  /** The name of the volume that the operation is about beside its resource; null for none. */
  volumeName: string | null
  projectId: string | null
  actorName: string | null
  requestId: string | null
  /** The caller's own id of the request (X-OpenStack-Request-Id). */
  globalRequestId: string | null
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
  errorMessage: string | null
  explanation: PlacementView | null
  steps: StepView[]
}

/** One event of the stream. A reader resumes after it by its `cursor` (SSE Last-Event-ID). */
export type EventView = {
  cursor: string
  at: string
  kind: string
  projectId: string | null
  resourceKind: string
  resourceId: string
  operationId: string | null
  data: Record<string, unknown>
}

/** A database transaction that does not end: its changes, and all later ones, appear late in the portal. */
export type HeldBackView = {
  /** Null: the transaction is prepared (two-phase commit) and belongs to no process. */
  pid: number | null
  application: string
  userName: string
  since: string
}

/** The names of the counted resources. Each room adds its own in its room.ts (`declare module`). */
// biome-ignore lint/suspicious/noEmptyInterface: the rooms fill it.
export interface QuotaResources {}
export type QuotaResource = keyof QuotaResources
/** limit -1: unlimited. */
export type QuotaView = { resource: QuotaResource; limit: number; used: number }
/** A part of a resource that is counted beside the whole: "volumes:<id of a volume type>" are the volumes of that type. */
export type QuotaPart = `${QuotaResource}:${string}`
/** What is counted, or limited. */
export type QuotaName = QuotaResource | QuotaPart
