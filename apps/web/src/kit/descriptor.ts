import type { Allowed } from '@stratolith/api/kernel/contract'
import type { ReactNode } from 'react'
import type { Cell } from './csv.ts'

/** `option`: a box in the question, with what it says at first; `run` is told whether it was ticked. */
export type ActionQuestion = {
  title: string
  body: ReactNode
  confirmLabel: string
  option?: { label: string; description?: string; ticked: boolean }
}

export type ResourceAction<V> = {
  /** `delete` is the one after which there is nothing left to look at. */
  id: string
  label: string
  icon?: ReactNode
  danger?: boolean
  /** true, or the sentence why not: shown as the tooltip of the disabled button. */
  allowed: (view: V) => Allowed
  /** Asks first. */
  confirm?: (views: V[]) => ActionQuestion
  /** Runs on one; bulk runs it on each. Absent for actions with their own UI → `open`. `ticked`: see `confirm`. */
  run?: (view: V, ticked: boolean) => Promise<unknown>
  open?: (view: V) => void
  /** Toast text. */
  started?: (views: V[]) => string
  bulk?: boolean
  asCli?: (view: V) => string
}

export type ColumnDef<V> = {
  id: string
  header: string
  cell: (view: V) => ReactNode
  /**
   * Makes the column sortable: true, by the server, which knows it by the column's id; a function, here, of a list whose
   * words are made by the page.
   */
  sort?: true | ((view: V) => string | number)
  /** What a file of the list has in this column; without it the column is not in the file. */
  value?: (view: V) => Cell
  width?: number | string
  /** Left out on screens narrower than this. */
  hideBelow?: 'xs' | 'sm' | 'md' | 'xl'
}

export type FactItem = { label: string; value: ReactNode; copy?: string }

/** All that the kit must know of a type of resource to list it and to head its page. */
export type ResourceDescriptor<V extends { id: string }> = {
  /** `resourceKind` of the event log. */
  kind: string
  noun: string
  plural: string
  name: (view: V) => string
  path?: (view: V) => string
  icon: ReactNode
  columns: ColumnDef<V>[]
  facts?: (view: V) => FactItem[]
  empty: { title: string; text: string; action?: ReactNode }
}

/** Of a table without `empty`, which is shown only when it has rows. */
export type RowsDescriptor<V extends { id: string }> = Omit<ResourceDescriptor<V>, 'empty'> &
  Partial<Pick<ResourceDescriptor<V>, 'empty'>>

/** “3 instances”, “1 instance”. */
export const counted = (count: number, words: { noun: string; plural: string }): string =>
  `${count.toLocaleString('en')} ${inSentence(count === 1 ? words.noun : words.plural)}`

/** “Floating IPs” as it stands inside of a sentence: “floating IPs”. */
export const inSentence = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1)

/** Afterwards the thing is gone: its page goes back to the list, and its panel closes. */
export const removes = (action: { id: string }): boolean => action.id === 'delete'
