import type { z } from 'zod'

/** Nobody who is handed it changes it. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** What a schema describes: a field of it is said there and nowhere else. */
export type Described<S extends z.ZodType> = Frozen<z.output<S>>
