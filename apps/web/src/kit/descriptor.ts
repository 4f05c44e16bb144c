import type { Allowed } from '@stratolith/api/kernel/contract'
import type { ReactNode } from 'react'
import type { Cell } from './csv.ts'

/** `option`: a checkbox in the question, with its first value; `run` is told whether it was ticked. */
export type ActionQuestion = {
  title: string
  body: ReactNode
  confirmLabel: string
  option?: { label: string; description?: string; ticked: boolean }
}

/** `text`: what has happened; `label`: the button that runs the undoing; `done`: what is true afterwards. */
export type Undo = { text: string; label: string; run: () => Promise<unknown>; done: string }

export type ResourceAction<V> = {
  /** `delete` is the ID of the action after which the thing no longer exists. */
  id: string
  label: string
  icon?: ReactNode
  danger?: boolean
  /** The part of a menu in which the action stands; what is dangerous stands behind all parts. */
  group?: string
  /** Whether the action stands in the menu only, unless it is the next step. */
  inMenu?: (view: V) => boolean
  /** Whether this action is the natural next step for the thing: then it is the primary button of the thing's page. */
  next?: (view: V) => boolean
  /** The ID of the action that undoes this one: pages and menus show only the one of the two that is possible. */
  opposite?: string
  /** Whether the action makes sense for the thing and the person at all; otherwise no menu has it. */
  shown?: (view: V) => boolean
  /** True, or the sentence why not, which is the tooltip of the disabled button. */
  allowed: (view: V) => Allowed
  /** The question that is asked before the action runs. */
  confirm?: (views: V[]) => ActionQuestion
  /**
   * Runs the action on one thing; a bulk action runs on each thing. Actions with a form of their own have `open`
   * instead. `ticked`: see `confirm`.
   */
  run?: (view: V, ticked: boolean) => Promise<unknown>
  open?: (view: V) => void
  /** The text of the toast after the request. */
  started?: (views: V[]) => string
  /** The ID of the resource whose operation the action begins, when that is another one: its end is told, too. */
  endsAt?: (view: V) => string | undefined
  /**
   * What the toast after the request offers for a while, from the answers to the requests; null: nothing can be undone.
   */
  undo?: (views: V[], answers: unknown[]) => Undo | null
  bulk?: boolean
  asCli?: (view: V) => string
}

export type ColumnDef<V> = {
  id: string
  header: string
  cell: (view: V) => ReactNode
  /** Makes the column sortable: the server sorts, and knows the column by its ID. */
  sort?: true
  /** The column's value in a file of the list; without this function the column is not in the file. */
  value?: (view: V) => Cell
  width?: number | string
  /** The cells have sentences, which are read whole; all other cells but the name have one line. */
  prose?: true
  /** The column is hidden where the table has less room than this (ResourceTable.module.css). */
  hideBelow?: 'xs' | 'sm' | 'md' | 'xl'
}

export type FactItem = { label: string; value: ReactNode; copy?: string }

/** Everything that the kit must know of a type of resource to list it and to head its page. */
export type ResourceDescriptor<V extends { id: string }> = {
  /** The `resourceKind` of the event log. */
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

/** The descriptor of a table that is shown only when it has rows, so that it needs no text for an empty list. */
export type RowsDescriptor<V extends { id: string }> = Omit<ResourceDescriptor<V>, 'empty'> &
  Partial<Pick<ResourceDescriptor<V>, 'empty'>>

/** Returns “3 instances” or “1 instance”. */
export const counted = (count: number, words: { noun: string; plural: string }): string =>
  `${count.toLocaleString('en')} ${inSentence(count === 1 ? words.noun : words.plural)}`

/** Returns a noun as it stands inside of a sentence: “floating IPs” for “Floating IPs”. */
export const inSentence = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1)

/** Answers whether the thing is gone after this action: then its page goes back to the list, and its panel closes. */
export const removes = (action: { id: string }): boolean => action.id === 'delete'
