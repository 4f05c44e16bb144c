import { z } from 'zod'
import { badRequest } from './errors.ts'
import type { Attributes } from './query.ts'

const truths = new Map<unknown, boolean>([
  ['true', true],
  ['1', true],
  [1, true],
  ['false', false],
  ['0', false],
  [0, false],
])
const lower = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value)

/** Values of request bodies, read as Neutron reads them: booleans and numbers may come as text. */
export const body = {
  text: z.string().max(255),
  long: z.string().max(1000),
  uuid: z.uuid(),
  project: z.string().max(64),
  bool: z.preprocess((value) => truths.get(lower(value)) ?? value, z.boolean()),
  int: z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value),
    z.int(),
  ),
  ip: z.ipv4(),
  /** Zones are checked where the cloud knows them (refuseUnknownZones). */
  zoneHints: z.array(z.string().min(1).max(255)).max(10),
  /** A list of at most `most` items; null is an empty list. */
  list: <Item extends z.ZodType>(item: Item, most: number) =>
    z.preprocess((value) => value ?? [], z.array(item).max(most)),
  /**
   * A field for something that Neutron has and this cloud does not: only an empty value is taken, and every other value
   * is refused with the reason `why`.
   */
  without: (why: string) =>
    z.union([z.null(), z.literal(''), z.tuple([]), z.strictObject({})], why).optional(),
}
/** The two names of the owner, which every body that makes something may have. */
export const owner = { tenant_id: body.project.optional(), project_id: body.project.optional() }

/** The project that a body names. Throws 400 when its two names differ. */
export function ownerNamed(wish: { tenant_id?: string; project_id?: string }): string | undefined {
  const { tenant_id, project_id } = wish
  if (tenant_id !== undefined && project_id !== undefined && tenant_id !== project_id)
    throw badRequest("'project_id' and 'tenant_id' do not match")
  return project_id ?? tenant_id
}

/** Shows a tenant's value of any type, shortened, inside of a sentence. */
export const shown = (value: unknown): string =>
  (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 60)

export type BodySpec = { name: string; attributes: Attributes }

/** Unwraps {"network": {…}} or {"networks": [{…}]}. Returns one item or many; throws 400 for another shape. */
export function unwrap(
  { name, collection }: { name: string; collection: string },
  value: unknown,
): { many: boolean; items: unknown[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('Resource body required')
  const record = value as Record<string, unknown>
  const list = record[collection]
  if (Array.isArray(list)) {
    if (list.length === 0) throw badRequest('Resources required')
    if (list.length > 100) throw badRequest('At most 100 resources can be created at once.')
    return { many: true, items: list }
  }
  if (!(name in record)) throw badRequest(`Unable to find '${name}' in request body`)
  return { many: false, items: [record[name]] }
}

/** Parses one resource of a body by its schema. Throws 400 in Neutron's words. */
export function readBody<Schema extends z.ZodObject>(
  spec: BodySpec,
  schema: Schema,
  method: 'POST' | 'PUT',
  value: unknown,
): z.output<Schema> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(`Invalid '${spec.name}' in request body`)
  const strange = Object.keys(value).filter((key) => !Object.hasOwn(schema.shape, key))
  const readOnly = strange.find((key) => Object.hasOwn(spec.attributes, key))
  if (readOnly !== undefined)
    throw badRequest(
      method === 'POST'
        ? `Attribute '${readOnly}' not allowed in POST`
        : `Cannot update read-only attribute ${readOnly}`,
    )
  if (strange.length > 0) throw badRequest(`Unrecognized attribute(s) '${strange.join(', ').slice(0, 200)}'`)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const attribute = String(issue?.path[0] ?? spec.name)
  if (!(attribute in value))
    throw badRequest(`Failed to parse request. Required attribute '${attribute}' not specified`)
  throw badRequest(`Invalid input for ${attribute}. Reason: ${issue?.message ?? 'it is not valid'}.`)
}
