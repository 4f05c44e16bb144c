'use client'
import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '../kit/trpc.ts'
import { type From, typesFrom, usualType } from './origin.ts'
import { typeText } from './types/limit-words.ts'

/** Chooses among the types that the project may use, and says what the chosen one means. Hidden when there is one alone. */
export function TypeField({
  field,
  chosen,
  from,
  sizeGib,
}: {
  field: object
  chosen: string | null
  from: From
  sizeGib: number | string
}) {
  const trpc = useTRPC()
  const { types: all = [], defaultId } = useQuery(trpc.volumes.types.usable.queryOptions()).data ?? {}
  const types = typesFrom(from, all)
  const usual = types.find(({ id }) => id === defaultId)
  const placeholder = usualType(from, usual?.name ?? '')
  const type = types.find(({ name }) => name === (chosen ?? placeholder))
  if (types.length < 2) return null
  return (
    <Select
      label="Type"
      description={type && typeText(type, Math.max(1, Number(sizeGib) || 1))}
      data={types.map(({ name }) => name)}
      placeholder={placeholder}
      clearable
      {...field}
    />
  )
}
