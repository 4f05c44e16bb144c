'use client'
import { NumberInput, type NumberInputProps } from '@mantine/core'

/**
 * A number as it was typed. The library's own way is to make 256 of 100000 and 0 of -5 when one leaves the field, in
 * silence: here a wrong number stays, and the form says what is wrong with it.
 */
export function NumberField(props: Omit<NumberInputProps, 'min' | 'max' | 'clampBehavior' | 'allowDecimal'>) {
  return <NumberInput clampBehavior="none" {...props} />
}
