'use client'
import { NativeSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { FilterDef, WordFilter } from './filters.ts'

const width = 160

/** The field for one filter of a list. */
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
      // The choices are drawn inside of the panel of filters, because a click outside of it closes the panel.
      comboboxProps: { withinPortal: false },
    })
  return <WordField key={value ?? ''} filter={filter} value={value ?? ''} onChange={onChange} />
}

/**
 * A field for a typed word. The list is asked when the person presses Enter or leaves the field, because a half-typed
 * word is another word.
 */
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
