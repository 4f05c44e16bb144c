import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

/**
 * Returns a value without the fields that are undefined or equal to their schema's `default`. The value means the same
 * to a program that knows these fields and to an older one that does not. A field that was added later therefore changes
 * neither a document for an older host nor a digest, as long as nobody uses the field. A null that is not the default is kept.
 */
export function withoutDefaults<T>(schema: z.ZodType, value: T): T {
  return (trimmerOf(schema)?.(value) ?? value) as T
}

type Trim = (value: unknown) => unknown
/** The trimmer of each schema, made once because lists of ports are long. Null: no field of the schema can be left out. */
const trimmers = new WeakMap<z.core.$ZodType, Trim | null>()

function trimmerOf(schema: z.core.$ZodType): Trim | null {
  const known = trimmers.get(schema)
  if (known !== undefined) return known
  const trim = trimmerFor(schema)
  trimmers.set(schema, trim)
  return trim
}

function trimmerFor(schema: z.core.$ZodType): Trim | null {
  if (schema instanceof z.ZodObject) return ofObject(schema)
  if (schema instanceof z.ZodArray) return ofList(trimmerOf(schema.element))
  if (schema instanceof z.ZodTuple) return ofTuple(schema.def.items.map(trimmerOf))
  if (schema instanceof z.ZodUnion) return ofUnion(schema.options)
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return trimmerOf(schema.unwrap())
  return null
}

function ofObject({ shape }: z.ZodObject): Trim | null {
  const fields = Object.entries(shape).map(([key, field]) => ({
    key,
    trim: trimmerOf(field),
    isLeftOut: (value: unknown) =>
      value === undefined ||
      (field instanceof z.ZodDefault && isDeepStrictEqual(value, field.def.defaultValue)),
    canBeLeftOut: field instanceof z.ZodDefault || field instanceof z.ZodOptional,
  }))
  const concerned = fields.filter(({ trim, canBeLeftOut }) => trim || canBeLeftOut)
  if (concerned.length === 0) return null
  return (value) => {
    if (typeof value !== 'object' || value === null) return value
    const trimmed: Record<string, unknown> = { ...value }
    for (const { key, trim, isLeftOut } of concerned)
      if (isLeftOut(trimmed[key])) delete trimmed[key]
      else if (trim) trimmed[key] = trim(trimmed[key])
    return trimmed
  }
}

const ofList = (trim: Trim | null): Trim | null =>
  trim && ((value) => (Array.isArray(value) ? value.map(trim) : value))

function ofTuple(trims: readonly (Trim | null)[]): Trim | null {
  if (trims.every((trim) => trim === null)) return null
  return (value) => (Array.isArray(value) ? value.map((one: unknown, i) => trims[i]?.(one) ?? one) : value)
}

function ofUnion(options: readonly z.core.$ZodType[]): Trim | null {
  if (options.every((option) => trimmerOf(option) === null)) return null
  return (value) => {
    const option = options.find((one) => z.safeParse(one, value).success)
    return (option && trimmerOf(option)?.(value)) ?? value
  }
}
