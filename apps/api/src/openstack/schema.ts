import { z } from 'zod'
import { HttpError } from './errors.ts'
import type { Call } from './operation.ts'
import { type Query, queryText } from './pages.ts'

/** A property with the minor microversions (both included) in which a body may have it. */
export type Property = { schema: z.ZodType; since?: number; until?: number }

/** The strict schema of a microversion: a property of another version is unknown like any other unknown property. */
export function objectAt(minor: number, properties: Record<string, Property | z.ZodType>): z.ZodType {
  const shape: Record<string, z.ZodType> = {}
  for (const [name, given] of Object.entries(properties)) {
    const { schema, since = 0, until = Infinity } = 'schema' in given ? given : { schema: given }
    if (minor >= since && minor <= until) shape[name] = schema
  }
  return z.strictObject(shape)
}

/**
 * Parses `body` by `schema`, or throws a 400 in the words of Nova and Cinder that names the property. `names` translates the
 * properties to Nova's names, when the cloud has made the body from that of the client.
 */
export function parse<T>(schema: z.ZodType<T>, body: unknown, names: Record<string, string> = {}): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new HttpError(400, faultOf(parsed.error, body, names))
}

/** {"keypair": {…}} → the inner object, parsed; anything beside it is a 400. */
export function inner<T>(call: Call, key: string, schema: z.ZodType<T>): T {
  return (parse(z.strictObject({ [key]: schema }), call.body) as Record<string, T>)[key] as T
}

function faultOf(error: z.ZodError, body: unknown, names: Record<string, string>): string {
  const issue = error.issues[0]
  if (!issue) return 'Malformed request body'
  const missing =
    issue.path.length > 0 && issue.code !== 'unrecognized_keys' && valueAt(body, issue.path) === undefined
  const path = missing ? issue.path.slice(0, -1) : issue.path
  const why = missing
    ? `'${issue.path.at(-1)?.toString() ?? 'body'}' is a required property`
    : issue.code === 'unrecognized_keys'
      ? `Additional properties are not allowed (${issue.keys.map(quoted).join(', ').slice(0, 200)} ${issue.keys.length === 1 ? 'was' : 'were'} unexpected)`
      : issue.message
  if (body === undefined || (path.length === 0 && issue.code === 'invalid_type' && !missing))
    return 'Malformed request body'
  const value = valueAt(body, path)
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
  const last = path.at(-1)?.toString() ?? 'body'
  const field = (Object.hasOwn(names, last) ? names[last] : last)?.slice(0, 100)
  return `Invalid input for field/attribute ${field}. Value: ${shown.slice(0, 200)}. ${why}`
}
const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    body,
  )
const quoted = (key: string) => `'${key.slice(0, 50)}'`

/** Nova also accepts numbers as text, and booleans as the words of Python and of people. */
export const whole = (min: number, max = 2_147_483_647) =>
  z.preprocess(
    (v) => (typeof v === 'string' && /^-?\d{1,10}$/.test(v) ? Number(v) : v),
    z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`),
  )
const words: Record<string, boolean> = {
  true: true,
  on: true,
  yes: true,
  y: true,
  t: true,
  1: true,
  false: false,
  off: false,
  no: false,
  n: false,
  f: false,
  0: false,
}
export const boolean = z.preprocess(
  (v) => (typeof v === 'string' ? (words[v.toLowerCase()] ?? v) : v),
  z.boolean(),
)
/** Reads a boolean of the query; undefined when the parameter is absent or no boolean. */
export function queryBoolean(query: Query, name: string): boolean | undefined {
  const text = queryText(query, name)
  return text === undefined ? undefined : words[text.toLowerCase()]
}
/** Returns every value of a query parameter that may be repeated. */
export const queryTexts = (query: Query, name: string): string[] => [query[name] ?? []].flat()
