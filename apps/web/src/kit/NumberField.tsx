'use client'
import { NumberInput, type NumberInputProps } from '@mantine/core'

/**
 * A field that keeps a number as it was typed. Mantine's own field silently makes 256 of 100000 and 0 of -5 when the
 * focus leaves it; here a wrong number stays, and the form says what is wrong.
 */
export function NumberField(props: Omit<NumberInputProps, 'min' | 'max' | 'clampBehavior' | 'allowDecimal'>) {
  return <NumberInput clampBehavior="none" {...props} />
}
