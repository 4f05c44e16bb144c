import { z } from 'zod'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { inner, parse } from '../../openstack/schema.ts'
import { createConsole } from '../consoles/service.ts'
import { getServer } from '../instances/server-list.ts'
import { serverAction } from './server-actions.ts'

const types = {
  vnc: ['novnc', 'xvpvnc'],
  serial: ['serial'],
  spice: ['spice-html5'],
  rdp: ['rdp-html5'],
  mks: ['webmks'],
} as const
type Protocol = keyof typeof types

const consoleBody = z
  .strictObject({
    protocol: z.enum(['vnc', 'serial', 'spice', 'rdp', 'mks'], 'is not one of the known protocols'),
    type: z.string(),
  })
  .refine(({ protocol, type }) => (types[protocol] as readonly string[]).includes(type), {
    path: ['type'],
    message: 'is not a type of that protocol',
  })

/** Opens a console and returns its address: a page of the portal for the screen, a WebSocket for the serial line. */
async function urlOf(call: Call, protocol: Protocol, type: string): Promise<string> {
  if (type !== 'novnc' && type !== 'serial') {
    await createNothing(call)
    throw new HttpError(400, `Unavailable console type ${type}.`)
  }
  const kind = protocol === 'serial' ? 'serial' : 'vnc'
  const { url } = await createConsole(call.ctx, { id: call.params.server_id ?? '', protocol: kind })
  const { publicUrl } = call.deps.config
  if (kind === 'serial') return publicUrl.replace(/^http/, 'ws') + url
  return publicUrl + url.replace('/console/', '/console')
}

/**
 * Checks the right to open a console before the error about an unsupported type, which only callers who may see the
 * server receive.
 */
async function createNothing(call: Call): Promise<void> {
  await getServer(call.ctx, { id: call.params.server_id ?? '' }, 'compute:create_console')
}

const old = [
  ['os-getVNCConsole', 'vnc', 'novnc'],
  ['os-getSerialConsole', 'serial', 'serial'],
  ['os-getSPICEConsole', 'spice', 'spice-html5'],
  ['os-getRDPConsole', 'rdp', 'rdp-html5'],
] as const

export const consoleOperations: ApiOperation[] = [
  {
    name: 'servers.remote-consoles',
    method: 'POST',
    path: '/servers/:server_id/remote-consoles',
    summary: 'Open a remote console',
    status: 200,
    access: 'write',
    since: 6,
    deviation:
      'VNC (novnc) and serial; SPICE, RDP and MKS are “Unavailable console type”. 503 while its host does not answer.',
    handle: async (call) => {
      const { protocol, type } = inner(call, 'remote_console', consoleBody)
      return { remote_console: { protocol, type, url: await urlOf(call, protocol, type) } }
    },
  },
  ...old
    .filter(([, protocol]) => protocol === 'vnc' || protocol === 'serial')
    .map(([action, protocol]) =>
      serverAction(action, {
        summary: `Open a ${protocol} console, the old way`,
        status: 200,
        until: 5,
        run: async (call) => {
          const { type } = parse(z.strictObject({ type: z.string() }), call.body)
          if (!(types[protocol] as readonly string[]).includes(type))
            throw new HttpError(400, `Invalid input for field/attribute type. Value: ${type.slice(0, 50)}.`)
          return { console: { type, url: await urlOf(call, protocol, type) } }
        },
      }),
    ),
]
