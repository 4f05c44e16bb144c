import { z } from 'zod'
import { passwordInput } from '../../directory/contract.ts'
import { idOf } from '../../openstack/keystone.ts'
import type { ApiOperation } from '../../openstack/operation.ts'
import { changePasswordOf } from '../own-password.ts'

/** Source: Keystone api-ref v3, "Change password for user". */

const passwordBody = z.object({
  user: z.object({ password: passwordInput, original_password: z.string().max(1024) }),
})

export const ownPasswordOperations: ApiOperation[] = [
  {
    name: 'users.password',
    method: 'POST',
    path: '/users/:id/password',
    summary: 'Users change their own password, also an expired password',
    status: 204,
    // The old password is the proof, because a user with an expired password cannot get a token.
    access: 'public',
    handle: async ({ ctx, params, body, request }) => {
      const { user } = passwordBody.parse(body)
      const input = {
        who: { id: idOf(params) },
        oldPassword: user.original_password,
        password: user.password,
      }
      await changePasswordOf(ctx, input, request.ip)
    },
  },
]
