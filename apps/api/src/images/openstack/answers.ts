import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** Glance's own sentence; the address and the body of a request can both name what is not there. */
export const noImage = (id: string): string => `No image found with ID ${id}`

/** The operations with what our services throw worded as Glance does. */
export function glanceAnswers(operations: ApiOperation[]): ApiOperation[] {
  return operations.map((operation) => ({
    ...operation,
    handle: async (call: Call) => {
      try {
        return await operation.handle(call)
      } catch (error) {
        throw worded(error, call)
      }
    },
  }))
}

function worded(error: unknown, call: Call): unknown {
  if (!(error instanceof CloudError) || error.code !== 'not_found') return error
  const { id, member_id: member, tag } = call.params
  if (tag !== undefined || id === undefined) return error
  if (member !== undefined && error.message.startsWith('Member')) return error
  return new HttpError(404, noImage(id), { cause: error })
}

export const idOf = (call: Call): string => call.params.id?.toLowerCase() ?? ''
