'use client'
import { type SelectProps, TextInput } from '@mantine/core'
import type { Page } from '@stratolith/api/kernel/contract'
import { lazyPart } from './lazy-part.tsx'
import type { CloudQuery } from './list-query.ts'

export type Named = { id: string; name: string; domainName?: string }
export type PickProps = Omit<SelectProps, 'data' | 'searchable' | 'searchValue' | 'onSearchChange'> & {
  /** The name of the value before the person has searched. */
  chosen?: { id: string; name: string } | null
}
export type PickOneProps<T extends Named> = PickProps & {
  query: (search: string | undefined) => CloudQuery<Page<T>>
  noun: string
}

const Field = lazyPart<PickOneProps<Named>>(() =>
  import('./PickField.tsx').then((module) => module.PickField),
)

/**
 * A field to choose one of many things by typing. The server searches, so the list may have any length. The code of the
 * field arrives after the page.
 */
export function PickOne<T extends Named>(props: PickOneProps<T>) {
  const { label, description, placeholder, error, required, size, w, style } = props
  const looks = { label, description, placeholder, error, required, size, w, style }
  const waiting = <TextInput disabled aria-label={props['aria-label']} {...looks} />
  return <Field {...(props as unknown as PickOneProps<Named>)} waiting={waiting} />
}
