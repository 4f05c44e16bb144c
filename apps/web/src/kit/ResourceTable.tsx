/* biome-ignore-all lint/a11y/noRedundantRoles: as in TableParts.tsx */
'use client'
import { Button, Text } from '@mantine/core'
import { IconSearchOff } from '@tabler/icons-react'
import { type ReactNode, type RefObject, useRef, useState } from 'react'
import { EmptyState } from '../ui/EmptyState.tsx'
import { useGuarded, useRunAction } from './actions.tsx'
import { useColumns } from './columns.ts'
import { inSentence, type ResourceAction, type ResourceDescriptor } from './descriptor.ts'
import { isLostMarker } from './errors.ts'
import type { FilterDef } from './filters.ts'
import { ListOptions } from './ListOptions.tsx'
import { LoadError } from './Loaded.tsx'
import { type ListQuery, useListQuery } from './list-query.ts'
import { lostPageText } from './lost-page.ts'
import classes from './ResourceTable.module.css'
import { SelectionBar } from './SelectionBar.tsx'
import { TableFoot } from './TableFoot.tsx'
import { TableHead, TableRow, TableWaiting } from './TableParts.tsx'
import { TableToolbar } from './TableToolbar.tsx'

type Props<V extends { id: string }> = {
  descriptor: ResourceDescriptor<V>
  actions?: ResourceAction<V>[]
  query: ListQuery<V>
  filters?: FilterDef[]
  toolbar?: ReactNode
  searchable?: boolean
}

/**
 * A list whose state is in its address and which follows the event stream. `query` gets the page (limit, marker,
 * search, sort) and the chosen filters by ID, and returns the query options of a list procedure.
 */
export function ResourceTable<V extends { id: string }>({
  descriptor: given,
  actions = [],
  query,
  filters = [],
  toolbar,
  searchable = true,
}: Props<V>) {
  const list = useListQuery(query, given.columns, filters)
  const columns = useColumns(given.plural, given.columns)
  const descriptor = { ...given, columns: columns.shown }
  const runAction = useRunAction(descriptor)
  const able = actions.map(useGuarded<V>(descriptor.kind))
  const selection = useSelection(list.rows)
  const selectable = actions.some((action) => action.bulk && action.run)
  const { result } = list
  const empty = result.data !== undefined && list.rows.length === 0
  // There is nothing to search and to filter in a list without things.
  const bare = empty && !list.filtered && !list.paged
  return (
    <div>
      <TableToolbar
        list={list}
        bare={bare}
        filters={filters}
        searchable={searchable}
        plural={descriptor.plural}
        options={
          <ListOptions
            plural={given.plural}
            columns={given.columns}
            isShown={columns.isShown}
            show={columns.show}
            part={list.part}
          />
        }
        toolbar={toolbar}
      />
      <Told list={list} />
      {empty ? (
        <Nothing list={list} descriptor={descriptor} />
      ) : (
        (result.data !== undefined || result.isPending) && (
          <div className={classes.selecting}>
            <SelectionBar
              descriptor={descriptor}
              actions={able}
              views={selection.chosen}
              onRun={(action, views, left) =>
                void runAction(action, views, left).then((done) => done && selection.set(new Set()))
              }
              onClear={() => clear(selection)}
            />
            <div className={classes.frame} data-frame data-stale={result.isPlaceholderData || undefined}>
              <Rows
                list={list}
                descriptor={descriptor}
                actions={able}
                selection={selectable ? selection : null}
                onRun={(action, row) => void runAction(action, [row])}
              />
            </div>
          </div>
        )
      )}
      <TableFoot list={list} words={descriptor} />
    </div>
  )
}

type List<V extends { id: string }> = ReturnType<typeof useListQuery<V>>
type Selection<V> = {
  ids: ReadonlySet<string>
  /** The selected rows that are shown on this page. */
  chosen: readonly V[]
  toggle: (id: string) => void
  set: (ids: ReadonlySet<string>) => void
  selectAllBox: RefObject<HTMLInputElement | null>
}

function useSelection<V extends { id: string }>(rows: readonly V[]): Selection<V> & { chosen: V[] } {
  const [ids, set] = useState<ReadonlySet<string>>(new Set())
  const selectAllBox = useRef<HTMLInputElement>(null)
  // Rows that have left the list are not selected any more.
  const chosen = rows.filter((row) => ids.has(row.id))
  const toggle = (id: string) =>
    set((before) => (before.has(id) ? new Set([...before].filter((x) => x !== id)) : new Set(before).add(id)))
  return { ids, chosen, toggle, set, selectAllBox }
}

function clear<V>({ set, selectAllBox }: Selection<V>): void {
  set(new Set())
  // The button vanishes together with the selection, so the focus moves to the checkbox that selects all rows.
  selectAllBox.current?.focus()
}

const selectOne = <V extends { id: string }>({ id }: V, { ids, toggle }: Selection<V>) => ({
  on: ids.has(id),
  toggle: () => toggle(id),
})

function selectAll<V extends { id: string }>(
  rows: readonly V[],
  { chosen, set, selectAllBox }: Selection<V>,
) {
  const all = chosen.length > 0 && chosen.length === rows.length
  return {
    all,
    box: selectAllBox,
    some: chosen.length > 0,
    toggle: () => set(chosen.length === rows.length ? new Set() : new Set(rows.map((row) => row.id))),
  }
}

/** Says what went wrong with the page that was asked for. */
function Told<V extends { id: string }>({ list: { lost, result } }: { list: List<V> }) {
  return (
    <>
      {lost && (
        <Text size="sm" c="dimmed" mb="sm" role="status">
          {lostPageText}
        </Text>
      )}
      {result.error && !isLostMarker(result.error) && (
        <LoadError error={result.error} retry={result.refetch} busy={result.isFetching} />
      )}
    </>
  )
}

/** Says that there are no things at all, or none that match the search and the filters. */
function Nothing<V extends { id: string }>({
  list,
  descriptor,
}: {
  list: List<V>
  descriptor: ResourceDescriptor<V>
}) {
  return list.filtered || list.paged ? (
    <EmptyState
      icon={<IconSearchOff size={28} />}
      title="Nothing matches"
      text={`No ${inSentence(descriptor.plural)} match what you have asked for.`}
      action={
        <Button variant="default" onClick={list.clear}>
          Show all
        </Button>
      }
    />
  ) : (
    <EmptyState icon={descriptor.icon} {...descriptor.empty} />
  )
}

function Rows<V extends { id: string }>({
  list,
  descriptor,
  actions,
  selection,
  onRun,
}: {
  list: List<V>
  descriptor: ResourceDescriptor<V>
  actions: ResourceAction<V>[]
  selection: Selection<V> | null
  onRun: (action: ResourceAction<V>, row: V) => void
}) {
  const { result } = list
  return (
    <table
      className={classes.table}
      role="table"
      aria-label={descriptor.plural}
      data-list={descriptor.plural}
      aria-busy={result.isFetching}
    >
      <TableHead
        columns={descriptor.columns}
        sort={list.sort}
        onSort={list.toggleSort}
        select={selection && selectAll(list.rows, selection)}
        hasActions={actions.length > 0}
      />
      <tbody role="rowgroup">
        {result.data === undefined ? (
          <TableWaiting
            columns={descriptor.columns.length + (selection ? 1 : 0) + (actions.length > 0 ? 1 : 0)}
          />
        ) : (
          list.rows.map((row) => (
            <TableRow
              key={row.id}
              view={row}
              descriptor={descriptor}
              actions={actions}
              select={selection && selectOne(row, selection)}
              onRun={(action) => onRun(action, row)}
            />
          ))
        )}
      </tbody>
    </table>
  )
}
