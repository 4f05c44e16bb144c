import { projectIdInput } from '../../kernel/contract.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ImageChange, ImageView } from '../contract.ts'
import { refuseOurs } from '../property-names.ts'
import {
  boundExtras,
  changeOf,
  customProperty,
  isSettable,
  refuseLateFormat,
  settable,
} from './attributes.ts'

/** Media types of PATCH, each with the edition of JSON patch that it stands for (RFC 6902, or its fourth draft). */
export const patchTypes = {
  'application/openstack-images-v2.1-json-patch': 'rfc',
  'application/openstack-images-v2.0-json-patch': 'draft4',
} as const
type Dialect = (typeof patchTypes)[keyof typeof patchTypes]

export type PatchStep = {
  op: 'add' | 'replace' | 'remove'
  name: string
  value: unknown
  /** Whether `add` refuses to overwrite a value, as in the fourth draft. */
  strictAdd: boolean
}
const ops = ['add', 'replace', 'remove'] as const
const maxSteps = 512

/** Throws 415 for any other type of body: Glance accepts no plain JSON here. */
export function patchDialect(contentType: string | undefined): Dialect {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const found = Object.entries(patchTypes).find(([name]) => name === type)
  if (!found)
    throw new HttpError(415, `PATCH of an image takes one of: ${Object.keys(patchTypes).join(', ')}.`)
  return found[1]
}

/** Reads the steps of a JSON patch. Throws 400 for any other body, 403 for names that only the cloud may set. */
export function patchSteps(body: unknown, dialect: Dialect): PatchStep[] {
  if (!Array.isArray(body)) throw new HttpError(400, 'The body must be a JSON array of operation objects.')
  if (body.length > maxSteps) throw new HttpError(413, `A patch has at most ${maxSteps} operations.`)
  return body.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      throw new HttpError(400, 'Operations must be JSON objects.')
    const raw = entry as Record<string, unknown>
    const { op, pointer } = dialect === 'rfc' ? ofRfc(raw) : ofDraft(raw)
    if (op !== 'remove' && !Object.hasOwn(raw, 'value'))
      throw new HttpError(400, `Operation "${op}" requires a member named "value".`)
    const name = nameOf(pointer)
    refuseOurs(name)
    return { op, name, value: raw.value, strictAdd: dialect === 'draft4' }
  })
}

function ofRfc(raw: Record<string, unknown>): { op: PatchStep['op']; pointer: unknown } {
  const op = ops.find((one) => one === raw.op)
  if (!op) throw new HttpError(400, 'Each operation needs an "op" of add, replace or remove.')
  return { op, pointer: raw.path }
}

function ofDraft(raw: Record<string, unknown>): { op: PatchStep['op']; pointer: unknown } {
  const named = ops.filter((one) => Object.hasOwn(raw, one))
  const [op] = named
  if (!op || named.length > 1)
    throw new HttpError(
      400,
      'Operation objects must contain exactly one member named add, replace or remove.',
    )
  return { op, pointer: raw[op] }
}

/** Reads a JSON pointer (RFC 6901) of one level: "/a~1b" → "a/b". */
function nameOf(pointer: unknown): string {
  if (typeof pointer !== 'string' || !pointer.startsWith('/'))
    throw new HttpError(400, 'The path of an operation must be a JSON pointer: it starts with "/".')
  const token = pointer.slice(1)
  if (token === '' || /~(?![01])/.test(token))
    throw new HttpError(400, 'The path of an operation is no JSON pointer.')
  if (token.includes('/'))
    throw new HttpError(400, 'The path of an operation names an attribute of the image, nothing within it.')
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** Applies all steps to the image, or throws and applies none. */
export function patched(before: ImageView, steps: readonly PatchStep[]): ImageChange {
  const known: Record<string, unknown> = {}
  let projectId: string | undefined
  const properties = new Map(Object.entries(before.properties))
  if (before.description !== '') known.description = before.description
  for (const step of steps) {
    if (step.name === 'owner') {
      if (step.op === 'remove') throw new HttpError(403, 'Property owner may not be removed.')
      projectId = projectIdInput.parse(step.value)
    } else if (step.name === 'description') describe(known, step)
    else if (isSettable(step.name)) setBase(known, step)
    else setProperty(properties, step)
  }
  const set = settable.parse(known)
  refuseLateFormat(before, set)
  const all = Object.fromEntries(properties)
  boundExtras(all, set.tags ?? [])
  return {
    ...changeOf(set),
    description: set.description ?? '',
    properties: all,
    ...(projectId === undefined ? {} : { projectId }),
  }
}

/** Applies a step to the description, which is a custom property in Glance and an attribute in this cloud. */
function describe(known: Record<string, unknown>, step: PatchStep): void {
  const there = known.description !== undefined
  refuseUnlessFit(step, there)
  known.description = step.op === 'remove' ? undefined : step.value
}

function setBase(known: Record<string, unknown>, step: PatchStep): void {
  if (step.op === 'remove') throw new HttpError(403, `Property ${step.name} may not be removed.`)
  refuseUnlessFit(step, true)
  known[step.name] = step.value
}

function setProperty(properties: Map<string, string>, step: PatchStep): void {
  refuseUnlessFit(step, properties.has(step.name))
  if (step.op === 'remove') properties.delete(step.name)
  else properties.set(step.name, customProperty(step.name, step.value))
}

function refuseUnlessFit(step: PatchStep, there: boolean): void {
  const name = step.name.slice(0, 255)
  if (step.op !== 'add' && !there) throw new HttpError(409, `Property ${name} does not exist.`)
  if (step.op === 'add' && there && step.strictAdd)
    throw new HttpError(409, `Property ${name} already present.`)
}
