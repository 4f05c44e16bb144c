'use client'
import { NativeSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { FilterDef, WordFilter } from './filters.ts'

const width = 160

/** One filter of a list. */
export function FilterField({
  filter,
  value,
  onChange,
}: {
  filter: FilterDef
  value: string | undefined
  onChange: (value: string | null) => void
}) {
  if ('options' in filter)
    return (
      <NativeSelect
        aria-label={filter.label}
        data={[{ value: '', label: `${filter.label}: any` }, ...filter.options]}
        value={value ?? ''}
        onChange={(event) => onChange(event.currentTarget.value || null)}
        w={width}
      />
    )
  if ('pick' in filter)
    return filter.pick({
      label: filter.label,
      placeholder: value ? 'One is chosen' : 'any',
      value: value ?? null,
      onChange: (chosen) => onChange(chosen),
      clearable: true,
      // Inside of the panel with the filters, which a click elsewhere closes.
      comboboxProps: { withinPortal: false },
    })
  return <WordField key={value ?? ''} filter={filter} value={value ?? ''} onChange={onChange} />
}

/** Asked for with Enter or when the person goes on: a part of a word is another word. */
function WordField({
  filter,
  value,
  onChange,
}: {
  filter: WordFilter
  value: string
  onChange: (value: string | null) => void
}) {
  const [text, setText] = useState(value)
  const wrong = text !== '' && !filter.isWord(text)
  const ask = () => {
    if (!wrong && text !== value) onChange(text || null)
  }
  return (
    <TextInput
      label={filter.label}
      placeholder="any"
      value={text}
      error={wrong}
      onChange={(event) => setText(event.currentTarget.value.trim())}
      onKeyDown={(event) => event.key === 'Enter' && ask()}
      onBlur={ask}
    />
  )
}
