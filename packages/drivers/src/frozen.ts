import type { z } from 'zod'

/** A type whose fields, and theirs, are all readonly. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** The type that a schema describes; its fields are declared in the schema alone. */
export type Described<S extends z.ZodType> = Frozen<z.output<S>>
