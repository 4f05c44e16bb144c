import { CloudError } from '../../kernel/errors.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'

/** Nova answers 400, never a conflict, when Neutron refuses something. */
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
