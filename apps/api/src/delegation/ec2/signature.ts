import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/**
 * Signatures of AWS requests. Sources: AWS General Reference, "Signature Version 4" and "Signature
 * Version 2"; Keystone's /v3/ec2tokens for how a service hands the parts of a request on.
 */
const texts = z.record(z.string().max(256), z.union([z.string().max(8192), z.number(), z.boolean()]))
export const signedRequest = z.object({
  access: z.string().max(128),
  signature: z.string().min(1).max(256),
  host: z.string().max(300).default(''),
  verb: z.string().max(16).default('GET'),
  path: z.string().max(4096).default('/'),
  params: texts.default({}),
  headers: texts.default({}),
  body_hash: z.string().max(128).default(''),
})
export type SignedRequest = z.output<typeof signedRequest>

/**
 * For how many milliseconds before and after its timestamp a signature is valid, so that an overheard request cannot be
 * sent again later (A14.4).
 */
const toleranceMs = 15 * 60_000

/** Tells whether the request is signed by the secret, in version 2 or 4, at about this time. `now` is in ms. */
export function signatureHolds(request: SignedRequest, secret: string, now = Date.now()): boolean {
  const version4 = readVersion4(request)
  const signed = version4 ? signVersion4(request, version4, secret) : signVersion2(request, secret)
  if (signed === null || Math.abs(now - signed.at) > toleranceMs) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(signed.signature), digest(request.signature))
}

type Signed = { signature: string; at: number }
type Version4 = { date: string; scope: string[]; signedHeaders: string }

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const lower = (record: SignedRequest['headers']) =>
  new Map(Object.entries(record).map(([name, value]) => [name.toLowerCase().trim(), String(value)]))

/**
 * Reads the parts of version 4 from the Authorization header or from the query of a pre-signed address; null when there
 * is no such signature.
 */
function readVersion4(request: SignedRequest): Version4 | null {
  const headers = lower(request.headers)
  const params = new Map(Object.entries(request.params).map(([name, value]) => [name, String(value)]))
  const authorization = headers.get('authorization') ?? ''
  const inHeader = authorization.startsWith('AWS4-HMAC-SHA256')
  if (!inHeader && params.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') return null
  const part = (name: string) =>
    inHeader
      ? (new RegExp(`[ ,]${name}=([^,]{1,2048})`).exec(authorization)?.[1]?.trim() ?? '')
      : (params.get(`X-Amz-${name}`) ?? '')
  const [access, ...scope] = part('Credential').split('/')
  const date = headers.get('x-amz-date') ?? params.get('X-Amz-Date') ?? ''
  return { date: access === request.access ? date : '', scope, signedHeaders: part('SignedHeaders') }
}

function signVersion4(request: SignedRequest, { date, scope, signedHeaders }: Version4, secret: string) {
  const [day = '', region = '', service = '', end] = scope
  const at = momentOf(date)
  if (
    at === null ||
    scope.length !== 4 ||
    end !== 'aws4_request' ||
    !date.startsWith(day) ||
    day.length !== 8
  )
    return null
  const headers = new Map([['host', request.host], ...lower(request.headers)])
  const names = signedHeaders.split(';')
  // A signed header that is missing here could have had any value, so the service must hand it on.
  if (!names.includes('host') || !names.every((name) => headers.has(name))) return null
  const canonical = [
    request.verb.toUpperCase(),
    request.path,
    request.verb.toUpperCase() === 'POST' &&
    Object.keys(request.headers).some((h) => /^authorization$/i.test(h))
      ? ''
      : canonicalQuery(request.params, ['X-Amz-Signature']),
    ...names.map((name) => `${name}:${(headers.get(name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    request.body_hash,
  ].join('\n')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request')
  return { signature: hmac(key, text).toString('hex'), at } satisfies Signed
}

function signVersion2(request: SignedRequest, secret: string): Signed | null {
  const { params } = request
  const at = momentOf(String(params.Timestamp ?? ''))
  const algorithm = { HmacSHA256: 'sha256', HmacSHA1: 'sha1' }[String(params.SignatureMethod ?? 'HmacSHA256')]
  if (String(params.SignatureVersion) !== '2' || at === null || algorithm === undefined) return null
  const text = [
    request.verb.toUpperCase(),
    request.host.toLowerCase(),
    request.path,
    canonicalQuery(params, ['Signature']),
  ].join('\n')
  return { signature: createHmac(algorithm, secret).update(text).digest('base64'), at }
}

/** Encodes every byte but the unreserved ones of RFC 3986. */
export const percentEncoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
/** The parameters are sorted by the code points of their encoded names. */
function canonicalQuery(params: SignedRequest['params'], without: string[]): string {
  return Object.entries(params)
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => [percentEncoded(name), percentEncoded(String(value))] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Reads 20150830T123600Z and 2015-08-30T12:36:00(.000)(Z), in UTC. Returns ms, or null for another text. */
function momentOf(text: string): number | null {
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  const iso = compact
    ? `${compact[1]}-${compact[2]}-${compact[3]}T${compact[4]}:${compact[5]}:${compact[6]}Z`
    : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z?$/.test(text)
      ? text.replace(/Z?$/, 'Z')
      : ''
  const at = Date.parse(iso)
  return Number.isNaN(at) ? null : at
}
