import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { objectAt, parse, whole } from '../../openstack/schema.ts'
import {
  deleteInstance,
  lockInstance,
  pauseInstance,
  rebootInstance,
  resetInstance,
  startInstance,
  stopInstance,
  unlockInstance,
  unpauseInstance,
} from '../instances/actions.ts'
import { getServer } from '../instances/server-list.ts'
import { consoleLog } from '../instances/service.ts'

const id = (call: Call) => ({ id: call.params.server_id ?? '' })
type Short = Pick<ApiOperation, 'summary'> & Partial<ApiOperation> & { run: (call: Call) => Promise<unknown> }

/**
 * An action that is one key of POST /servers/{id}/action; the answer is 202 and empty unless the action sets another.
 */
export const serverAction = (action: string, { run, ...more }: Short): ApiOperation => ({
  name: `servers.${action}`,
  method: 'POST',
  path: '/servers/:server_id/action',
  action,
  status: 202,
  access: 'write',
  ...more,
  handle: run,
})
const empty = (run: (call: Call) => Promise<unknown>) => async (call: Call) => {
  await run(call)
  return undefined
}

const rebootBody = z.strictObject({
  type: z.preprocess(
    (type) => (typeof type === 'string' ? type.toUpperCase() : type),
    z.enum(['SOFT', 'HARD'], 'is not SOFT or HARD'),
  ),
})
const lockBody = (minor: number) =>
  minor < 73
    ? z.unknown().transform(() => null)
    : (
        objectAt(minor, { locked_reason: z.string().min(1).max(255).optional() }) as z.ZodType<{
          locked_reason?: string
        }>
      ).nullable()
const logBody = z.strictObject({ length: whole(-1).nullish() })
const stateBody = z.strictObject({ state: z.enum(['active', 'error'], 'is not active or error') })

/** Returns the last `length` lines of the log; -1 and null mean all lines that are kept. */
async function consoleOutput(call: Call): Promise<object> {
  const { length } = parse(logBody, call.body ?? {})
  if (length === 0) return { output: '' }
  const all = length === undefined || length === null || length < 0
  const { text } = await consoleLog(call.ctx, {
    ...id(call),
    ...(all ? { tailLines: 10_000 } : { tailLines: Math.min(length, 10_000) }),
  })
  return { output: text }
}

const refusedWhileAway = 'Refused (409) while its host is known not to answer.'

export const serverActionOperations: ApiOperation[] = [
  serverAction('os-start', {
    summary: 'Start a stopped server',
    deviation: refusedWhileAway,
    run: empty((call) => startInstance(call.ctx, id(call))),
  }),
  serverAction('os-stop', {
    summary: 'Stop a server',
    deviation: refusedWhileAway,
    run: empty((call) => stopInstance(call.ctx, id(call))),
  }),
  serverAction('reboot', {
    summary: 'Reboot a server',
    deviation: refusedWhileAway,
    run: empty((call) =>
      rebootInstance(call.ctx, {
        ...id(call),
        kind: parse(rebootBody, call.body).type === 'HARD' ? 'hard' : 'soft',
      }),
    ),
  }),
  serverAction('pause', {
    summary: 'Pause a server',
    deviation: refusedWhileAway,
    run: empty((call) => pauseInstance(call.ctx, id(call))),
  }),
  serverAction('unpause', {
    summary: 'Unpause a server',
    deviation: refusedWhileAway,
    run: empty((call) => unpauseInstance(call.ctx, id(call))),
  }),
  serverAction('lock', {
    summary: 'Lock a server',
    run: empty((call) =>
      lockInstance(call.ctx, {
        ...id(call),
        reason: parse(lockBody(call.minor), call.body ?? null)?.locked_reason ?? null,
      }),
    ),
  }),
  serverAction('unlock', {
    summary: 'Unlock a server',
    run: empty((call) => unlockInstance(call.ctx, id(call))),
  }),
  serverAction('forceDelete', {
    summary: 'Delete a server at once',
    run: empty((call) => deleteInstance(call.ctx, id(call))),
  }),
  serverAction('os-resetState', {
    summary: 'Set the state of a server that is stuck',
    access: 'admin',
    except: { stranger: 'not_found' }, // a thing that the caller cannot see is not found, whatever the caller may do
    run: empty((call) => resetInstance(call.ctx, { ...id(call), to: parse(stateBody, call.body).state })),
  }),
  serverAction('os-getConsoleOutput', {
    summary: 'Show the console log of a server',
    status: 200,
    access: 'read',
    deviation: 'At most the last 10,000 lines and 256 KiB. 503 while its host does not answer.',
    run: consoleOutput,
  }),
  serverAction('changePassword', {
    summary: 'Set the administrator’s password (refused)',
    status: 409,
    deviation:
      'Always a 409 after the same checks: guests are not asked to run an agent that would set it. Use a key pair or cloud-init.',
    run: async (call) => {
      parse(z.strictObject({ adminPass: z.string().max(255) }), call.body)
      await refusePassword(call)
    },
  }),
]

async function refusePassword(call: Call): Promise<never> {
  await getServer(call.ctx, id(call), 'compute:update_instance')
  throw new HttpError(
    409,
    'The guest runs no agent that could set a password. Sign in with a key pair, or set it by user_data.',
  )
}
