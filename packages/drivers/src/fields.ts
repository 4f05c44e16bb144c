import { z } from 'zod'

/** A host's words: those that are longer are cut, and characters that PostgreSQL does not take are taken out. */
export const words = (max: number) =>
  z.string().transform((said) => said.slice(0, max).replaceAll('\0', '').toWellFormed())

/** An id that this cloud has made: safe as a file's name. Each driver has its own grammar of ids besides. */
export const generatedId = z.string().regex(/^[0-9a-zA-Z][0-9a-zA-Z_-]{0,63}$/, 'not a generated id')

/** A list without those that are not known here, of which a newer side may have more. */
export const knownOf = <S extends z.ZodType>(one: S) =>
  z.array(z.unknown()).transform((said) =>
    said.flatMap((each): z.output<S>[] => {
      const parsed = one.safeParse(each)
      return parsed.success ? [parsed.data] : []
    }),
  )
