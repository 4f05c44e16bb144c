import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { clearGuestPassword, guestPassword } from '../instances/guest-password.ts'

const id = (call: Call) => ({ id: call.params.server_id ?? '' })
const password = { path: '/servers/:server_id/os-server-password' }
export const guestPasswordOperations: ApiOperation[] = [
  {
    ...password,
    name: 'servers.password.get',
    method: 'GET',
    summary: 'Show the encrypted password that a server has left',
    status: 200,
    access: 'read',
    handle: async (call) => ({ password: await guestPassword(call.ctx, id(call)) }),
  },
  {
    ...password,
    name: 'servers.password.clear',
    method: 'DELETE',
    summary: 'Forget the password that a server has left',
    status: 204,
    access: 'write',
    handle: (call) => clearGuestPassword(call.ctx, id(call)),
  },
]
