import { STATUS_CODES } from 'node:http'
import type { ErrorCode } from '../kernel/contract.ts'
import type { CloudError } from '../kernel/errors.ts'

/**
 * The form of errors in each OpenStack service. The sources are the services' api-refs and raw answers of
 * a real Zed cloud. Clients compare the keys and the reason phrase.
 */
export type ErrorStyle = 'keystone' | 'nova' | 'cinder' | 'neutron' | 'glance' | 'placement' | 'swift'

/** An error with an HTTP status of its own (406, 413, 415 …) or with a message that a façade chooses itself. */
export class HttpError extends Error {
  readonly status: number
  /** Neutron's exception name, which clients compare, such as "SubnetInUse". */
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

export type ErrorAnswer = {
  status: number
  contentType: string
  body: string
  /** The header Retry-After, where the service gives one that is always the same. */
  retryAfter?: string
}

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

/** Keystone's sentence for every 401: it must not tell which part of the credentials was wrong (A16.1). */
const neutral401 = 'The request you have made requires authentication.'

/** Status, content type and body of an error, as the service would send them. `requestId` is for Placement. */
export function errorAnswer(
  style: ErrorStyle,
  error: CloudError | HttpError,
  requestId: string,
): ErrorAnswer {
  const quota = 'code' in error && error.code === 'quota_exceeded'
  const status =
    'status' in error ? error.status : ((quota ? quotaStatus[style] : undefined) ?? statusOf[error.code])
  // The auth middleware of every service answers a missing or bad token in Keystone's words. In Glance
  // the service itself refuses, in the form of its web framework.
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
  cinder(status, message, error) {
    // A quota is not full for a time only, but Cinder names a time, and its clients read it.
    const again = 'code' in error && error.code === 'quota_exceeded' ? { retryAfter: '0' } : {}
    const body = { [faultKeys[status] ?? 'computeFault']: { code: status, message, ...again } }
    return { ...json(status, body), ...again }
  },
  neutron: (status, message, error) =>
    json(status, { NeutronError: { type: neutronType(status, error), message, detail: '' } }),
  placement: (status, message, _error, requestId) =>
    json(status, { errors: [{ status, title: reason(status), detail: message, request_id: requestId }] }),
  glance: html,
  swift: html,
}

/** Turns our message into Keystone's: "User nope could not be found." → "Could not find user: nope." */
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
  // The reason "networkInUse" becomes the type NetworkInUse; Neutron spells FloatingIP with capitals.
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
