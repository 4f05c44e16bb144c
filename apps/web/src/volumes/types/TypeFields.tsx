'use client'
import { Switch, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'

type Inputs = (
  field: 'name' | 'description' | 'public',
  options?: { type: 'checkbox' },
) => GetInputPropsReturnType

/** The fields that a new type and an edited one have. */
export function TypeFields({ inputs }: { inputs: Inputs }) {
  return (
    <>
      <TextInput label="Name" required data-autofocus maxLength={255} {...inputs('name')} />
      <TextInput
        label="Description"
        description="People who choose a type read this."
        maxLength={1000}
        {...inputs('description')}
      />
      <Switch
        label="For everybody"
        description="Off: only projects that are let in, on its page."
        {...inputs('public', { type: 'checkbox' })}
      />
    </>
  )
}
