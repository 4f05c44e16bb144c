import { z } from 'zod'
import { descriptionInput } from '../../kernel/contract.ts'

/** A text that clients may leave out by sending null. */
export const text = (form: z.ZodType<string | undefined, string | undefined> = descriptionInput) =>
  z.preprocess((value) => value ?? '', form).transform((value) => value ?? '')
