import { initTRPC, TRPCError } from '@trpc/server'
import { ZodError } from 'zod'
import type { Ctx } from './context.ts'
import type { ErrorCode, ErrorView } from './contract.ts'
import { CloudError, toCloudError } from './errors.ts'

/** `ctx` is null for callers without a valid token; `requestId` is always set. */
export type TrpcContext = {
  ctx: Ctx | null
  requestId: string
  log: (error: CloudError, path: string) => void
  sourceIp: string
  anonymous: Ctx
}

const trpcCode: Record<ErrorCode, TRPCError['code']> = {
  invalid_input: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  not_found: 'NOT_FOUND',
  already_exists: 'CONFLICT',
  conflict: 'CONFLICT',
  quota_exceeded: 'FORBIDDEN',
  no_capacity: 'SERVICE_UNAVAILABLE',
  unsupported: 'NOT_IMPLEMENTED',
  unavailable: 'SERVICE_UNAVAILABLE',
  internal: 'INTERNAL_SERVER_ERROR',
}

const t = initTRPC.context<TrpcContext>().create({
  errorFormatter({ shape, error, ctx }) {
    const cloud = cloudErrorOf(error)
    const view: ErrorView = {
      code: cloud.code,
      message: cloud.message,
      requestId: ctx?.requestId ?? '',
      field: cloud.field,
      retryable: cloud.retryable,
    }
    return {
      ...shape,
      message: cloud.message,
      data: { code: shape.data.code, httpStatus: shape.data.httpStatus, path: shape.data.path, cloud: view },
    }
  },
})

/** The codes of requests that reach no procedure, for example of a change that is asked for by GET. */
const unreadable: ReadonlySet<string> = new Set([
  ...['PARSE_ERROR', 'BAD_REQUEST', 'METHOD_NOT_SUPPORTED', 'UNSUPPORTED_MEDIA_TYPE'],
])

/** Unwraps an error of tRPC: our error, a failure of a schema (its first issue, with the field), or an unexpected error. */
function cloudErrorOf(error: TRPCError): CloudError {
  if (error.cause instanceof CloudError) return error.cause
  if (error.cause instanceof ZodError) {
    const issue = error.cause.issues[0]
    return new CloudError('invalid_input', issue?.message ?? 'The input is not valid.', {
      field: issue?.path.join('.'),
    })
  }
  if (error.code === 'NOT_FOUND') return new CloudError('not_found', 'There is no such procedure.')
  if (unreadable.has(error.code)) return new CloudError('invalid_input', 'The request could not be read.')
  return toCloudError(error.cause ?? error)
}

const translate = t.middleware(async ({ next, ctx, path }) => {
  const result = await next()
  if (result.ok) return result
  const cloud = cloudErrorOf(result.error)
  ctx.log(cloud, path)
  throw new TRPCError({ code: trpcCode[cloud.code], message: cloud.message, cause: cloud })
})

export const router = t.router
/** The procedure for sign-in alone, which needs no token. */
export const publicProcedure = t.procedure.use(translate)
/** The procedure for everything else: the caller's ctx is `ctx.cloud`. The service authorizes the caller. */
export const procedure = t.procedure.use(translate).use(({ ctx, next }) => {
  if (!ctx.ctx) throw new CloudError('unauthenticated', 'Sign in first: there is no valid session.')
  const { delegation } = ctx.ctx.actor
  if (delegation?.kind === 'application_credential' && delegation.accessRules !== null)
    throw new CloudError(
      'forbidden',
      'This application credential is for the requests of its access rules only; use it with the OpenStack API.',
    )
  return next({ ctx: { cloud: ctx.ctx } })
})
