'use client'
import { Anchor, Group, Text } from '@mantine/core'
import type { ScheduleView } from '@stratolith/api/volumes/backups/schedules/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { volumeCan } from '@stratolith/api/volumes/states'
import { IconClock } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Ago } from '../../kit/Ago.tsx'
import { confirm } from '../../kit/confirm.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Link } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { all, useMay } from '../../kit/rights.ts'
import { useElsewhere } from '../../kit/session.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Facts } from '../../ui/Fact.tsx'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { useVolumeQuotas } from '../QuotaBars.tsx'
import { scheduleProblem, scheduleText } from './words.ts'

const ScheduleForm = lazyPanel(() => import('./ScheduleForm.tsx').then((module) => module.ScheduleForm))

/** When a volume is backed up automatically, and how the last time went. */
export function ScheduleOfVolume({ volume }: { volume: VolumeView }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.volumes.backups.schedule.get.queryOptions({ volumeId: volume.id }))
  const [opened, setOpened] = useState(false)
  return (
    <Section
      title="Automatic backups"
      description="The first one is full, and later ones store what has changed."
      action={
        query.data !== undefined && (
          <Buttons volume={volume} schedule={query.data} open={() => setOpened(true)} />
        )
      }
    >
      <Loaded query={query}>
        {(schedule) =>
          schedule ? (
            <>
              <TooMany volume={volume} schedule={schedule} />
              <Facts items={factsOf(schedule)} />
            </>
          ) : (
            <Text size="sm" c="dimmed">
              None. Choose “Back up automatically” to have backups made every day, every week or every few
              hours.
            </Text>
          )
        }
      </Loaded>
      {query.data !== undefined && (
        <ScheduleForm
          volume={volume}
          schedule={query.data}
          opened={opened}
          onClose={() => setOpened(false)}
        />
      )}
    </Section>
  )
}

function Buttons({
  volume,
  schedule,
  open,
}: {
  volume: VolumeView
  schedule: ScheduleView | null
  open: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const mine = useMay()(!useElsewhere(volume.projectId))
  const remove = useMutation(trpc.volumes.backups.schedule.remove.mutationOptions())
  const end = async () => {
    const yes = await confirm({
      title: 'End the automatic backups?',
      body: 'No more are made. Those that were made stay until somebody deletes them.',
      confirmLabel: 'End',
      danger: true,
    })
    if (!yes) return
    await remove
      .mutateAsync({ volumeId: volume.id })
      .then(() => notify.done('The volume is not backed up automatically any more'))
      .catch(notify.failed)
    invalidateKind(client, 'volume')
  }
  return (
    <Group gap="xs">
      {schedule && (
        <ReasonButton size="xs" variant="default" allowed={mine} onClick={() => void end()}>
          End
        </ReasonButton>
      )}
      <ReasonButton
        size="xs"
        variant="default"
        leftSection={<IconClock size={14} />}
        allowed={all(mine, volumeCan.schedule(volume))}
        onClick={open}
      >
        {schedule ? 'Change' : 'Back up automatically'}
      </ReasonButton>
    </Group>
  )
}

/** Says that the quota ends the schedule before it has made all backups that it is to keep. */
function TooMany({ volume, schedule }: { volume: VolumeView; schedule: ScheduleView }) {
  const quotas = useVolumeQuotas(volume.projectId, { volumeBackups: 0, volumeBackupGib: 0 })
  const problem = scheduleProblem(quotas, schedule, volume.sizeGib)
  return (
    problem && (
      <Text size="sm" c="bad" mb="sm">
        {problem}
      </Text>
    )
  )
}

const factsOf = (schedule: ScheduleView) => [
  { label: 'When', value: scheduleText(schedule) },
  {
    label: 'Kept',
    value: schedule.keep === 1 ? 'The newest' : `The newest ${schedule.keep.toLocaleString('en')}`,
  },
  { label: 'Next', value: <Ago iso={schedule.nextAt} /> },
  { label: 'Last', value: <Last schedule={schedule} /> },
  ...(schedule.lastFailure === null ? [] : [{ label: 'Could not begin', value: schedule.lastFailure }]),
]

function Last({ schedule: { lastAt, last } }: { schedule: ScheduleView }) {
  if (lastAt === null) return <>Never yet</>
  if (last === null)
    return (
      <>
        <Ago iso={lastAt} />; that backup is deleted
      </>
    )
  const words = { creating: 'It is being made', error: `It has failed. ${last.error ?? ''}` }
  return (
    <>
      <Anchor component={Link} href={paths.volumeBackup(last.id)} size="sm" prefetch={false}>
        <Ago iso={lastAt} />
      </Anchor>
      {'. '}
      {last.state === 'creating' || last.state === 'error' ? words[last.state] : 'It was made'}
    </>
  )
}
