import { z } from 'zod'

/** Text from a host: text that is too long is cut, and characters that PostgreSQL refuses are removed. */
export const words = (max: number) =>
  z.string().transform((said) => said.slice(0, max).replaceAll('\0', '').toWellFormed())

/** An id that this cloud has generated, safe as a file's name. Some drivers restrict ids further. */
export const generatedId = z.string().regex(/^[0-9a-zA-Z][0-9a-zA-Z_-]{0,63}$/, 'not a generated id')

/** A list without the entries that do not match the schema, because a newer sender may know more kinds of entries. */
export const knownOf = <S extends z.ZodType>(one: S) =>
  z.array(z.unknown()).transform((said) =>
    said.flatMap((each): z.output<S>[] => {
      const parsed = one.safeParse(each)
      return parsed.success ? [parsed.data] : []
    }),
  )

export const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'not a UUID')

/** The further disks of a guest that lie beside its root disk and die with it. */
export const localDiskKind = z.enum(['ephemeral', 'swap'])
