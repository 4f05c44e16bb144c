/* biome-ignore-all lint/a11y/noRedundantRoles: as in TableParts.tsx */
'use client'
import type { ReactNode } from 'react'
import { EmptyState } from '../ui/EmptyState.tsx'
import { useGuarded, useRunAction } from './actions.tsx'
import type { ResourceAction, RowsDescriptor } from './descriptor.ts'
import classes from './ResourceTable.module.css'
import { TableHead, TableRow } from './TableParts.tsx'

/**
 * A table that looks like a list, for rows that the page has already: the parts of one resource. It has no search and
 * no pages.
 */
export function RowsTable<V extends { id: string }>({
  descriptor,
  rows,
  actions = [],
  label,
  empty,
}: {
  descriptor: RowsDescriptor<V>
  rows: V[]
  actions?: ResourceAction<V>[]
  /** The name of the table for screen readers, where the plural alone says too little. */
  label?: string
  empty?: ReactNode
}) {
  const runAction = useRunAction(descriptor)
  const able = actions.map(useGuarded<V>(descriptor.kind))
  if (rows.length === 0)
    return empty ?? (descriptor.empty && <EmptyState icon={descriptor.icon} {...descriptor.empty} />)
  return (
    <div className={classes.frame} data-frame>
      <table className={classes.table} role="table" aria-label={label ?? descriptor.plural}>
        <TableHead
          columns={descriptor.columns.map((column) => ({ ...column, sort: undefined }))}
          sort={null}
          onSort={() => undefined}
          select={null}
          hasActions={actions.length > 0}
        />
        <tbody role="rowgroup">
          {rows.map((row) => (
            <TableRow
              key={row.id}
              view={row}
              descriptor={descriptor}
              actions={able}
              select={null}
              onRun={(action) => void runAction(action, [row])}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}
