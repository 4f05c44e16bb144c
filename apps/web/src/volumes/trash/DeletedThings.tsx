'use client'
import { Text } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { IconArrowBackUp, IconTrash } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Ago } from '../../kit/Ago.tsx'
import type { ColumnDef, ResourceAction, RowsDescriptor } from '../../kit/descriptor.ts'
import { gib } from '../../kit/format.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { TwoLines } from '../../kit/TwoLines.tsx'
import { projectColumn } from '../../networking/everyones.tsx'
import { Section } from '../../ui/Section.tsx'
import { countsText } from '../words.ts'

type Deleted = {
  id: string
  projectId: string
  name: string
  description: string
  sizeGib: number
  state: string
  until: string
}
type Props<V extends Deleted> = {
  words: { kind: string; noun: string; plural: string; icon: ReactNode }
  /** What the list says beside name, size and time: the volume of a snapshot, and the project in the list of all projects. */
  columns?: ColumnDef<V>[]
  allProjects: boolean
  /** Undefined while they are being read. */
  page: { items: V[]; next: string | null } | undefined
  /** Why a thing cannot be taken back, beside the reasons that hold for all. */
  allowed?: (thing: V) => Allowed
  takeBack: (id: string) => Promise<unknown>
  end: (id: string) => Promise<unknown>
  /** What the question says before the data go at once. */
  loss: (size: string) => string
}

/** The things of a kind that are deleted and can be taken back; nothing when there are none. */
export function DeletedThings<V extends Deleted>({
  words,
  columns = [],
  allProjects,
  page,
  ...rest
}: Props<V>) {
  const more = [...(allProjects ? [projectColumn] : []), ...columns]
  const actions = useActions<V>(rest)
  if (!page || page.items.length === 0) return null
  return (
    <Section title="Deleted, can be taken back" description={countsText(page.items, page.next !== null)}>
      <RowsTable descriptor={descriptorOf<V>(words, more)} rows={page.items} actions={actions} />
    </Section>
  )
}

const nameOf = ({ name, id }: Deleted): string => name || id

const descriptorOf = <V extends Deleted>(
  words: Props<V>['words'],
  more: ColumnDef<V>[],
): RowsDescriptor<V> => ({
  ...words,
  name: nameOf,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: (thing) => <TwoLines second={thing.description}>{nameOf(thing)}</TwoLines>,
    },
    ...more,
    { id: 'size', header: 'Size', width: 100, cell: ({ sizeGib }) => gib(sizeGib) },
    {
      id: 'until',
      header: 'Its data go',
      cell: ({ until, state }) => (state === 'deleting' ? 'Now' : <Ago iso={until} />),
    },
  ],
})

function useActions<V extends Deleted>({
  allowed: also,
  takeBack,
  end,
  loss,
}: Pick<Props<V>, 'allowed' | 'takeBack' | 'end' | 'loss'>): ResourceAction<V>[] {
  const may = useMay()
  const here = useSession().project?.id
  const allowed = (thing: V) =>
    all(may(thing.projectId === here), thing.state !== 'deleting' || 'Its data are being removed already.')
  const named = (thing: V | undefined) => (thing ? nameOf(thing) : '')
  return [
    {
      id: 'take-back',
      label: 'Take back',
      icon: <IconArrowBackUp size={16} />,
      allowed: (thing) => all(allowed(thing), also?.(thing) ?? true),
      run: ({ id }) => takeBack(id),
      started: ([thing]) => `“${named(thing)}” is back`,
    },
    {
      id: 'delete',
      label: 'Delete now',
      icon: <IconTrash size={16} />,
      danger: true,
      allowed,
      confirm: ([thing]) => ({
        title: `Delete “${named(thing)}” now?`,
        body: <Text size="sm">{loss(gib(thing?.sizeGib ?? 0))}</Text>,
        confirmLabel: 'Delete now',
      }),
      run: ({ id }) => end(id),
      started: ([thing]) => `Deleting “${named(thing)}” for good`,
    },
  ]
}
