/* biome-ignore-all lint/a11y/noRedundantRoles: CSS turns the table into cards on small screens, which takes its roles away */
'use client'
import { Anchor, Checkbox, Skeleton, UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconSelector } from '@tabler/icons-react'
import type { ReactNode, RefObject } from 'react'
import { ActionMenu } from './ActionMenu.tsx'
import type { ColumnDef, ResourceAction, RowsDescriptor } from './descriptor.ts'
import { Link } from './navigation.tsx'
import classes from './ResourceTable.module.css'

export function TableHead<V>({
  columns,
  sort,
  onSort,
  select,
  hasActions,
}: {
  columns: ColumnDef<V>[]
  sort: { id: string; down: boolean } | null
  onSort: (id: string) => void
  select: {
    all: boolean
    some: boolean
    toggle: () => void
    box: RefObject<HTMLInputElement | null>
  } | null
  hasActions: boolean
}) {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {select && (
          <th role="columnheader" scope="col" className={classes.tick}>
            <Checkbox
              ref={select.box}
              size="xs"
              aria-label="Select all rows"
              checked={select.all}
              indeterminate={select.some && !select.all}
              onChange={select.toggle}
            />
          </th>
        )}
        {columns.map((column) => {
          const on = sort?.id === column.id
          return (
            <th
              key={column.id}
              role="columnheader"
              scope="col"
              data-column={column.id}
              style={{ width: column.width }}
              data-hide={column.hideBelow}
              aria-sort={on ? (sort.down ? 'descending' : 'ascending') : undefined}
            >
              {column.sort ? (
                <UnstyledButton className={classes.sort} onClick={() => onSort(column.id)}>
                  {column.header}
                  <SortIcon on={on} down={sort?.down ?? false} />
                </UnstyledButton>
              ) : (
                column.header
              )}
            </th>
          )
        })}
        {hasActions && (
          <th role="columnheader" scope="col" className={classes.menu}>
            <span className={classes.hidden}>Actions</span>
          </th>
        )}
      </tr>
    </thead>
  )
}

function SortIcon({ on, down }: { on: boolean; down: boolean }): ReactNode {
  if (!on) return <IconSelector size={14} opacity={0.5} aria-hidden />
  return down ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />
}

export function TableRow<V extends { id: string }>({
  view,
  descriptor,
  actions,
  select,
  onRun,
}: {
  view: V
  descriptor: RowsDescriptor<V>
  actions: ResourceAction<V>[]
  select: { on: boolean; toggle: () => void } | null
  onRun: (action: ResourceAction<V>) => void
}) {
  const name = descriptor.name(view)
  return (
    <tr role="row" data-selected={select?.on || undefined} aria-selected={select ? select.on : undefined}>
      {select && (
        <td role="cell" className={classes.tick}>
          <Checkbox size="xs" aria-label={`Select ${name}`} checked={select.on} onChange={select.toggle} />
        </td>
      )}
      {descriptor.columns.map((column, index) => (
        <td
          key={column.id}
          role="cell"
          data-column={column.id}
          data-label={column.header}
          data-hide={column.hideBelow}
          data-first={index === 0 || undefined}
          data-prose={column.prose || undefined}
        >
          {column.cell(view)}
        </td>
      ))}
      {actions.length > 0 && (
        <td role="cell" className={classes.menu}>
          <ActionMenu label={`Actions of ${name}`} actions={actions} view={view} onRun={onRun} />
        </td>
      )}
    </tr>
  )
}

const waitingRows = ['a', 'b', 'c', 'd', 'e', 'f']
/** Placeholder rows of the same height as real rows, so that nothing jumps when the data arrives. */
export function TableWaiting({ columns }: { columns: number }) {
  return waitingRows.map((row) => (
    <tr key={row} role="row">
      {Array.from({ length: columns }, (_, index) => `${row}${index}`).map((cell) => (
        <td key={cell} role="cell">
          <Skeleton height={14} my={4} />
        </td>
      ))}
    </tr>
  ))
}

/** The usual first column: the name as a link to the resource's page. */
export function NameLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Anchor
      component={Link}
      href={href}
      fw={600}
      size="sm"
      className={classes.name}
      title={typeof children === 'string' ? children : undefined}
    >
      {children}
    </Anchor>
  )
}
