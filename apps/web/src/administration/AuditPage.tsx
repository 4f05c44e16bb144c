'use client'
import { Anchor, Code, Group, Stack, Text } from '@mantine/core'
import type { AuditRow } from '@stratolith/api/operations/contract'
import { IconHistory } from '@tabler/icons-react'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { strayEvent } from '../hosts/stray-words.ts'
import { csv, everyPage } from '../kit/csv.ts'
import { DateTime } from '../kit/DateTime.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { FreshRows } from '../kit/FreshRows.tsx'
import { shortId } from '../kit/format.ts'
import { useHeldRows } from '../kit/held-rows.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { lostPageText, useLostPage } from '../kit/lost-page.ts'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { TableFoot } from '../kit/TableFoot.tsx'
import { TwoLines } from '../kit/TwoLines.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { OperationPanel } from '../operations/OperationPanel.tsx'
import { Deleted } from '../operations/operation.descriptor.tsx'
import { auditKinds, eventTitle, resourcePath } from '../operations/words.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { HistoryFilters } from './HistoryFilters.tsx'
import { auditPage, auditPart } from './history.ts'

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** Every change in the cloud: who changed what, when, and by which request. */
export function AuditPage() {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { get, set } = useUrlState()
  const marker = get('after') ?? undefined
  const read = auditPage(trpc, get)
  const query = useQuery({
    ...read,
    placeholderData: keepPreviousData,
  })
  const lost = useLostPage(query.error, marker ?? null)
  const make = async () => {
    const rows = await everyPage<AuditRow>((after) =>
      client.fetchQuery(auditPart(trpc, get, { marker: after, limit: 1000 })),
    )
    return csv(headings, rows.map(line))
  }
  return (
    <>
      <PageHeader
        title="Audit log"
        description="This log shows every change by people and by the cloud itself, with the request that made the change."
      />
      <HistoryFilters
        kinds={{
          label: 'Kind',
          options: auditKinds.map(([value, label]) => ({ value, label: capital(label) })),
        }}
        download={{ file: 'audit.csv', make }}
      />
      {lost && (
        <Text size="sm" c="dimmed" mb="sm" role="status">
          {lostPageText}
        </Text>
      )}
      <Loaded query={query}>
        {(page) => (
          <Stack gap="sm">
            <Rows
              items={page.items}
              question={query.isPlaceholderData ? 'waiting' : JSON.stringify(read.queryKey)}
            />
            <TableFoot
              list={{
                rows: page.items,
                count: page,
                next: page.next,
                previous: page.previous,
                paged: marker !== undefined,
                goTo: (to) => set({ after: to }, true),
              }}
              words={descriptor}
            />
            <Text size="xs" c="dimmed">
              The log goes back {page.keptDays} days; what is older is deleted.
            </Text>
          </Stack>
        )}
      </Loaded>
      <OperationPanel />
    </>
  )
}

/** The log grows while somebody reads the page. */
function Rows({ items, question }: { items: AuditRow[]; question: string }) {
  const { rows, fresh, show } = useHeldRows(items, question)
  return (
    <div>
      <FreshRows count={fresh} onShow={show} />
      <RowsTable descriptor={descriptor} rows={[...rows]} />
    </div>
  )
}

/** The name of an event; an operation is named by its action. */
const actionOf = ({ kind, data }: AuditRow): string => (typeof data.action === 'string' ? data.action : kind)

const headings = [
  'time',
  'event',
  'kind',
  'id',
  'name',
  'project',
  'project id',
  'by',
  'by id',
  'request',
  'operation',
  'data',
]
const line = (row: AuditRow) => [
  row.at,
  actionOf(row),
  row.resourceKind,
  row.resourceId,
  row.resourceName,
  row.projectName,
  row.projectId,
  row.actorName,
  row.actorId,
  row.requestId,
  row.operationId,
  JSON.stringify(row.data),
]

const descriptor: ResourceDescriptor<AuditRow> = {
  kind: 'audit',
  noun: 'Event',
  plural: 'Events',
  name: ({ kind }) => kind,
  icon: <IconHistory size={28} />,
  columns: [
    {
      id: 'what',
      header: 'What',
      cell: (row) => (
        <TwoLines second={actionOf(row)}>
          <Text size="sm" fw={600}>
            {sentence(row)}
          </Text>
        </TwoLines>
      ),
    },
    { id: 'on', header: 'On', cell: (row) => <Thing row={row} /> },
    {
      id: 'project',
      header: 'Project',
      hideBelow: 'md',
      cell: (row) =>
        row.projectId === null ? (
          '–'
        ) : row.projectName === null ? (
          'gone'
        ) : (
          <Anchor component={Link} href={paths.project(row.projectId)} size="sm">
            {row.projectName}
          </Anchor>
        ),
    },
    {
      id: 'by',
      header: 'By',
      cell: (row) =>
        row.actorId === null || row.actorId === 'system' ? (
          'the cloud'
        ) : (
          <Anchor component={Link} href={paths.user(row.actorId)} size="sm">
            {row.actorName ?? 'a user who is gone'}
          </Anchor>
        ),
    },
    { id: 'at', header: 'When', cell: (row) => <DateTime iso={row.at} /> },
    {
      id: 'request',
      header: 'Request',
      hideBelow: 'md',
      cell: (row) =>
        row.requestId ? (
          <Code fz={11} title={row.requestId}>
            {shortId(row.requestId)}
          </Code>
        ) : (
          '–'
        ),
    },
  ],
  empty: { title: 'No such event', text: 'Remove a filter to see more.' },
}

const sentence = ({ kind, data }: AuditRow): string =>
  (kind === 'host.updated' ? strayEvent(data) : null) ?? eventTitle({ kind, data })

function Thing({ row }: { row: AuditRow }) {
  const { set } = useUrlState()
  const name =
    typeof row.data.name === 'string'
      ? row.data.name
      : (row.resourceName ?? (row.resourceId === row.actorId ? row.actorName : null) ?? row.resourceId)
  const href = resourcePath(row)
  return (
    <Group gap="xs" wrap="nowrap">
      {href ? (
        <Anchor component={Link} href={href} size="sm" title={name}>
          {shortId(name)}
        </Anchor>
      ) : (
        <Text size="sm" truncate maw={160} title={name}>
          {shortId(name)}
        </Text>
      )}
      <Deleted of={row} />
      {row.operationId && (
        <Anchor
          component="button"
          type="button"
          size="xs"
          ta="start"
          onClick={() => set({ operation: row.operationId }, true)}
        >
          Steps
        </Anchor>
      )}
    </Group>
  )
}
