'use client'
import { Button, Stack, Text } from '@mantine/core'
import type { StrayView } from '@stratolith/api/hosts/contract'
import { IconClock, IconLock, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResourceAction } from '../kit/descriptor.ts'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { ResourceTable } from '../kit/ResourceTable.tsx'
import { all, useAdminOnly } from '../kit/rights.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Brakes } from './Brakes.tsx'
import { strayList } from './list.ts'
import { strayDescriptor } from './stray.descriptor.tsx'
import { fateText, removalText, strayName, strayWords } from './stray-words.ts'
import { Trash } from './Trash.tsx'

const AdoptBytesForm = lazyPanel(() => import('./AdoptForm.tsx').then((module) => module.AdoptBytesForm))
const AdoptGuestForm = lazyPanel(() => import('./AdoptForm.tsx').then((module) => module.AdoptGuestForm))

const kinds = Object.entries(strayWords).map(([value, { plural }]) => ({ value, label: plural }))

/** Things on hosts and in the image store that no row knows: an administrator adopts, keeps or removes them. */
export function UnknownPage() {
  const trpc = useTRPC()
  const { get, set } = useUrlState()
  const [adopting, setAdopting] = useState<StrayView | null>(null)
  const hostId = get('host') ?? undefined
  const time = useQuery(trpc.hosts.unknownTime.queryOptions())
  return (
    <>
      <PageHeader
        title="Unknown here"
        description="Things on hosts and in the image store that this cloud’s database does not know. They are not touched before their time is over, unless you decide otherwise."
      />
      <Brakes hostId={hostId} />
      <Stack gap="md">
        <ResourceTable
          descriptor={strayDescriptor}
          actions={useStrayActions(setAdopting)}
          filters={[{ id: 'kind', label: 'What', options: kinds }]}
          toolbar={
            hostId && (
              <Button variant="default" size="sm" onClick={() => set({ host: null }, true)}>
                Show all hosts
              </Button>
            )
          }
          query={strayList}
        />
        <Text size="sm" c="dimmed" maw={720}>
          {time.data && fateText(time.data)}
        </Text>
        <Trash hostId={hostId} />
      </Stack>
      {adopting?.kind === 'guest' && (
        <AdoptGuestForm stray={adopting} opened onClose={() => setAdopting(null)} />
      )}
      {adopting?.kind === 'blob' && (
        <AdoptBytesForm stray={adopting} opened onClose={() => setAdopting(null)} />
      )}
    </>
  )
}

const adoptable = ({ kind }: StrayView) =>
  kind === 'guest' ||
  kind === 'blob' ||
  'Adopt the guest that it belongs to; its disks, ports and networks come along.'

function useStrayActions(adopt: (stray: StrayView) => void): ResourceAction<StrayView>[] {
  const trpc = useTRPC()
  const admin = useAdminOnly()
  const { mutateAsync } = useMutation(trpc.hosts.decideStray.mutationOptions())
  const decide = (decision: 'keep' | 'remove' | 'wait') => (stray: StrayView) =>
    mutateAsync({ id: stray.id, decision })
  return [
    {
      id: 'adopt',
      label: 'Adopt',
      icon: <IconPlus size={16} />,
      allowed: (stray) => all(admin(), adoptable(stray)),
      open: adopt,
    },
    {
      id: 'keep',
      label: 'Keep',
      icon: <IconLock size={16} />,
      bulk: true,
      allowed: (stray) => all(admin(), stray.decision !== 'keep' || 'It is kept already.'),
      run: decide('keep'),
      started: (strays) => `Kept: ${named(strays)}`,
    },
    {
      id: 'wait',
      label: 'Let its time run',
      icon: <IconClock size={16} />,
      bulk: true,
      allowed: (stray) => all(admin(), stray.decision !== null || 'Its time runs already.'),
      run: decide('wait'),
      started: (strays) => `Undecided again: ${named(strays)}`,
    },
    {
      id: 'remove',
      label: 'Remove',
      icon: <IconTrash size={16} />,
      danger: true,
      bulk: true,
      allowed: (stray) => all(admin(), stray.decision !== 'remove' || 'It is removed within a minute.'),
      confirm: (strays) => ({
        title: `Remove ${named(strays)}?`,
        body: removalText(new Set(strays.map(({ kind }) => kind))),
        confirmLabel: 'Remove',
      }),
      run: decide('remove'),
      started: (strays) => `Removing ${named(strays)}`,
    },
  ]
}

const named = (strays: StrayView[]): string =>
  strays.length === 1 && strays[0] ? strayName(strays[0]) : `${strays.length} unknown things`
