import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'

/** Null is how clients leave a text away. */
export const text = (form: z.ZodType<string | undefined, string | undefined> = descriptionInput) =>
  z.preprocess((value) => value ?? '', form).transform((value) => value ?? '')
