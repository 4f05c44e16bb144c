'use client'
import { NativeSelect, NumberInput, SegmentedControl, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ScheduleView } from '@stratolith/api/volumes/backups/schedules/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'
import { QuotaBars, useVolumeQuotas } from '../QuotaBars.tsx'
import { volumeName } from '../volume.descriptor.tsx'
import { clockText, keepProblem, minuteOf, weekdays } from './words.ts'

type Every = ScheduleView['every']
type Values = { every: Every; hours: number | string; at: string; weekday: string; keep: number | string }
type Props = { volume: VolumeView; schedule: ScheduleView | null; opened: boolean; onClose: () => void }

const everyWords: { value: Every; label: string }[] = [
  { value: 'day', label: 'Every day' },
  { value: 'week', label: 'Every week' },
  { value: 'hours', label: 'Every few hours' },
]

/** Sets when a volume is backed up, and how many of these backups are kept. */
export function ScheduleForm({ volume, schedule, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const set = useMutation(trpc.volumes.backups.schedule.set.mutationOptions())
  // The times of a schedule stay those of the place where somebody has set it.
  const timeZone = schedule?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  const form = useForm<Values>({
    initialValues: beginning(schedule),
    validate: {
      hours: (hours, { every }) => (every === 'hours' ? whole(1, 168, 'Hours: a whole number')(hours) : null),
      at: (at, { every }) =>
        every === 'hours' || minuteOf(at) !== null ? null : 'A time of the day, such as 02:30.',
      keep: whole(1, 1000, 'Backups: a whole number'),
    },
  })
  const { every, keep } = form.values
  return (
    <SidePanelForm
      title="Back up automatically"
      needs="member"
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Save"
      onSubmit={async (values) => {
        await set.mutateAsync({
          ...{ volumeId: volume.id, every: values.every, timeZone, keep: Number(values.keep) },
          ...{ hours: Number(values.hours) || 1, weekday: Number(values.weekday) },
          minute: minuteOf(values.at) ?? 0,
        })
        form.resetDirty(values)
        invalidateKind(client, 'volume')
        notify.done(`“${volumeName(volume)}” is backed up automatically`)
      }}
    >
      <SegmentedControl fullWidth aria-label="How often" data={everyWords} {...form.getInputProps('every')} />
      {every === 'hours' && (
        <NumberInput
          label="Hours between two backups"
          required
          min={1}
          max={168}
          {...form.getInputProps('hours')}
        />
      )}
      {every === 'week' && (
        <NativeSelect
          label="Day"
          data={weekdays.map((label, value) => ({ label, value: String(value) }))}
          {...form.getInputProps('weekday')}
        />
      )}
      {every !== 'hours' && (
        <TextInput
          label="Time"
          required
          description={`By the clock of ${timeZone}.`}
          {...form.getInputProps('at')}
        />
      )}
      <NumberInput
        label="Backups to keep"
        required
        min={1}
        max={1000}
        description="Older ones that the schedule has made are removed for good. Backups that people make stay."
        {...form.getInputProps('keep')}
      />
      <Room volume={volume} more={Math.max(0, (Number(keep) || 0) - (schedule?.keep ?? 0))} />
      <Text size="sm" c="dimmed">
        Each counts in the quota with the size of the volume, although only what has changed is stored. When
        the cloud was off at the time, the backup is made when it is back.
      </Text>
    </SidePanelForm>
  )
}

/** Compares so many more backups with the quota: the schedule may be saved all the same, because the quota can change. */
function Room({ volume, more }: { volume: VolumeView; more: number }) {
  const adds = { volumeBackups: more, volumeBackupGib: more * volume.sizeGib }
  const quotas = useVolumeQuotas(volume.projectId, adds)
  const problem = keepProblem(quotas, adds)
  return (
    <>
      {problem && (
        <Text size="sm" c="bad" role="alert">
          {problem}
        </Text>
      )}
      <QuotaBars quotas={quotas} adds={adds} />
    </>
  )
}

const beginning = (schedule: ScheduleView | null): Values => ({
  every: schedule?.every ?? 'day',
  hours: schedule?.hours ?? 6,
  at: clockText(schedule?.minute ?? 120),
  weekday: String(schedule?.weekday ?? 0),
  keep: schedule?.keep ?? 7,
})
