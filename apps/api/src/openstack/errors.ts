import { STATUS_CODES } from 'node:http'
import type { ErrorCode } from '../kernel/contract.ts'
import type { CloudError } from '../kernel/errors.ts'

/**
 * How each OpenStack service words its errors. Sources: the services' api-refs and raw answers of
 * a real Zed cloud; clients match on the keys and on the reason phrase.
 */
export type ErrorStyle = 'keystone' | 'nova' | 'cinder' | 'neutron' | 'glance' | 'placement' | 'swift'

/** A refusal that only HTTP knows (406, 413, 415 …) or whose words a façade chooses itself. */
export class HttpError extends Error {
  readonly status: number
  /** Neutron's exception name on which clients match, e.g. "SubnetInUse". */
  readonly type: string | null
  constructor(status: number, message: string, options: { type?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'HttpError'
    this.status = status
    this.type = options.type ?? null
  }
}

const glance401 =
  'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.'

export type ErrorAnswer = { status: number; contentType: string; body: string }

const statusOf: Record<ErrorCode, number> = {
  invalid_input: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  quota_exceeded: 403,
  no_capacity: 503,
  unsupported: 501,
  unavailable: 503,
  internal: 500,
}
const quotaStatus: Partial<Record<ErrorStyle, number>> = { cinder: 413, neutron: 409, glance: 413 }

/** The always same sentence of Keystone: it must not tell which part was wrong (A16.1). */
const neutral401 = 'The request you have made requires authentication.'

/** Status, type and body of an error as the service would send it. `requestId` is for Placement. */
export function errorAnswer(
  style: ErrorStyle,
  error: CloudError | HttpError,
  requestId: string,
): ErrorAnswer {
  const quota = 'code' in error && error.code === 'quota_exceeded'
  const status =
    'status' in error ? error.status : ((quota ? quotaStatus[style] : undefined) ?? statusOf[error.code])
  // Every service's auth middleware answers a missing or bad token in Keystone's words; but Glance's
  // lets the service refuse, which says it as its web framework does.
  if (status === 401 && style === 'glance') return html(401, glance401)
  if (status === 401)
    return json(status, { error: { code: 401, message: neutral401, title: 'Unauthorized' } })
  return answers[style](status, error.message, error, requestId)
}

type Answer = (
  status: number,
  message: string,
  error: CloudError | HttpError,
  requestId: string,
) => ErrorAnswer

const compute: Answer = (status, message) => ({
  ...json(status, { [faultKeys[status] ?? 'computeFault']: { code: status, message } }),
  contentType: 'application/json; charset=UTF-8',
})
const answers: Record<ErrorStyle, Answer> = {
  keystone: (code, message) =>
    json(code, { error: { code, message: keystoneWords(message), title: reason(code) } }),
  nova: compute,
  cinder: (status, message, error, requestId) => ({
    ...compute(status, message, error, requestId),
    contentType: 'application/json',
  }),
  neutron: (status, message, error) =>
    json(status, { NeutronError: { type: neutronType(status, error), message, detail: '' } }),
  placement: (status, message, _error, requestId) =>
    json(status, { errors: [{ status, title: reason(status), detail: message, request_id: requestId }] }),
  glance: html,
  swift: html,
}

/** "User nope could not be found." → "Could not find user: nope.", which is what Keystone says. */
const keystoneWords = (message: string): string =>
  message.replace(
    /^([A-Z][a-z ]+) (\S+) could not be found\.$/,
    (_, kind: string, id: string) => `Could not find ${kind.toLowerCase()}: ${id}.`,
  )

const faultKeys: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}
const neutronTypes: Record<number, string> = {
  400: 'BadRequest',
  403: 'PolicyNotAuthorized',
  404: 'HTTPNotFound',
  405: 'HTTPMethodNotAllowed',
  409: 'Conflict',
  412: 'HTTPPreconditionFailed',
  413: 'HTTPRequestEntityTooLarge',
  415: 'UnsupportedContentType',
  503: 'ServiceUnavailable',
}

function neutronType(status: number, error: CloudError | HttpError): string {
  if ('type' in error) return error.type ?? neutronTypes[status] ?? 'HTTPInternalServerError'
  if (error.code === 'quota_exceeded') return 'OverQuota'
  // "networkInUse" is NetworkInUse; Neutron writes FloatingIP.
  if (error.reason !== null)
    return (error.reason.charAt(0).toUpperCase() + error.reason.slice(1)).replace('FloatingIp', 'FloatingIP')
  return neutronTypes[status] ?? 'HTTPInternalServerError'
}

function json(status: number, body: object): ErrorAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body) }
}

function html(status: number, message: string): ErrorAnswer {
  const title = `${status} ${reason(status)}`
  const body = `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${escapeHtml(message)}<br /><br />\n\n\n\n </body>\n</html>`
  return { status, contentType: 'text/html; charset=UTF-8', body }
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
}
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => escapes[c] ?? c)
const reason = (status: number) => STATUS_CODES[status] ?? 'Error'
