'use client'
import { Group, TextInput } from '@mantine/core'
import type { GetInputPropsReturnType } from '@mantine/form'
import { NumberField } from '../../kit/NumberField.tsx'

type Inputs = (field: 'name' | 'description' | 'capacity' | 'overcommit') => GetInputPropsReturnType

export function PoolNameFields({ inputs }: { inputs: Inputs }) {
  return (
    <>
      <TextInput
        label="Name"
        description="Types choose pools by it. Pools of several machines may have one name."
        required
        data-autofocus
        maxLength={63}
        {...inputs('name')}
      />
      <TextInput label="Description" maxLength={1000} {...inputs('description')} />
    </>
  )
}

export function PoolRoomFields({ inputs, placeholder }: { inputs: Inputs; placeholder?: string }) {
  return (
    <Group grow align="flex-start">
      <NumberField
        label="Capacity"
        description="What volumes may take in all."
        suffix=" GiB"
        placeholder={placeholder}
        thousandSeparator=","
        {...inputs('capacity')}
      />
      <NumberField
        label="Overcommit"
        description="How often each GiB is promised."
        suffix=" ×"
        decimalScale={2}
        {...inputs('overcommit')}
      />
    </Group>
  )
}
