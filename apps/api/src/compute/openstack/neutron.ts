import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** Nova says of everything that Neutron does not do for it that the request was bad (400), never that it conflicts. */
export const withoutConflict = (operation: ApiOperation): ApiOperation => ({
  ...operation,
  handle: async (call: Call) => {
    try {
      return await operation.handle(call)
    } catch (error) {
      if (error instanceof CloudError && ['conflict', 'already_exists'].includes(error.code))
        throw new HttpError(400, error.message, { cause: error })
      throw error
    }
  },
})
