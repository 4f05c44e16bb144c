import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** The sentence that Glance uses. Both the address and the body of a request can name an image that does not exist. */
export const noImage = (id: string): string => `No image found with ID ${id}`

/** Wraps the operations, so that errors of the services have the words of Glance. */
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
