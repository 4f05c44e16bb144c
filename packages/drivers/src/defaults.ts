import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

/**
 * A value without the fields that say what they say by default anyhow (a schema's `default`) and without those that are
 * undefined. It means the same to whoever knows these fields and to whoever does not: so a field that came later,
 * as long as nobody uses it, changes neither what an older host is told nor a digest. A null that is no default is kept.
 */
export function withoutDefaults<T>(schema: z.ZodType, value: T): T {
  return (trimmerOf(schema)?.(value) ?? value) as T
}

type Trim = (value: unknown) => unknown
/** Null: nothing in it has a default. Made once for each schema, since lists of ports are long. */
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
