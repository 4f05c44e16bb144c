'use client'
import { Alert, Button, Text } from '@mantine/core'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isReserved, isRootVolume } from '@stratolith/api/volumes/states'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRunAction } from '../kit/actions.tsx'
import { DetailPage } from '../kit/DetailPage.tsx'
import type { ResourceAction } from '../kit/descriptor.ts'
import { KeyValues } from '../kit/KeyValues.tsx'
import { Loaded } from '../kit/Loaded.tsx'
import { paths } from '../kit/paths.ts'
import { all, useMay } from '../kit/rights.ts'
import { useElsewhere } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useListOf, useOwnerFact } from '../networking/everyones.tsx'
import { OperationsOf } from '../operations/OperationsOf.tsx'
import { Columns } from '../ui/Columns.tsx'
import { Facts } from '../ui/Fact.tsx'
import { Section } from '../ui/Section.tsx'
import { Attachments } from './Attachments.tsx'
import { BackupsOfVolume } from './backups/tab.ts'
import { CopyProgress } from './CopyProgress.tsx'
import { volumePropertySetCli, volumePropertyUnsetCli } from './cli.ts'
import { HowToUse } from './HowToUse.tsx'
import { SnapshotsOfVolume } from './snapshots/SnapshotsOfVolume.tsx'
import { DeletedVolume } from './trash/deleted.tsx'
import { useVolumeForms } from './use-volume-forms.tsx'
import { VolumeState } from './VolumeState.tsx'
import { volumeDescriptor } from './volume.descriptor.tsx'
import { useVolumeActions } from './volume-actions.tsx'
import { copyUnderWay, wayOut } from './words.ts'

export function VolumePage({ id }: { id: string }) {
  const trpc = useTRPC()
  const volume = useQuery(trpc.volumes.get.queryOptions({ id }))
  return (
    <Loaded query={volume} nothing={<DeletedVolume id={id} projectId={null} />}>
      {(view) => <VolumeDetail volume={view} />}
    </Loaded>
  )
}

function VolumeDetail({ volume }: { volume: VolumeView }) {
  const forms = useVolumeForms()
  const actions = useVolumeActions(forms.open)
  const back = useListOf(volume.projectId, { plural: 'All volumes', listPath: paths.adminVolumes })
  return (
    <>
      <DetailPage
        descriptor={{ ...volumeDescriptor, ...back }}
        view={volume}
        actions={actions}
        badge={<VolumeState volume={volume} />}
        header={<Failure volume={volume} />}
        tabs={[
          {
            id: 'overview',
            label: 'Overview',
            content: (
              <Overview
                volume={volume}
                take={() => forms.open('snapshot', volume)}
                stop={actions.find(({ id }) => id === 'stopMove')}
              />
            ),
          },
          {
            id: 'backups',
            label: 'Backups',
            content: <BackupsOfVolume volume={volume} make={() => forms.open('backup', volume)} />,
          },
          {
            id: 'operations',
            label: 'Operations',
            content: <OperationsOf resourceId={volume.id} projectId={volume.projectId} />,
          },
        ]}
      />
      {forms.panels}
    </>
  )
}

/** Says why the volume is in an error state, and what to do about that. */
function Failure({ volume }: { volume: VolumeView }) {
  const way = wayOut(volume)
  if (way === undefined) return null
  return (
    <Alert
      color="bad"
      variant="light"
      icon={<IconAlertTriangle />}
      title={volume.error ?? 'The last operation on it has failed.'}
      role="alert"
    >
      {way}
    </Alert>
  )
}

type Action = ResourceAction<VolumeView>
/** How far the copy is that is being made, with a button that ends a move. */
function Copying({ volume, stop }: { volume: VolumeView; stop: Action | undefined }) {
  const runAction = useRunAction(volumeDescriptor)
  const copy = copyUnderWay(volume)
  if (!copy) return null
  return (
    <CopyProgress
      {...copy}
      resourceId={volume.id}
      projectId={volume.projectId}
      action={
        stop?.shown?.(volume) &&
        stop.allowed(volume) === true && (
          <Button
            size="xs"
            variant="default"
            leftSection={stop.icon}
            onClick={() => void runAction(stop, [volume])}
          >
            {stop.label}
          </Button>
        )
      }
    />
  )
}

type Parts = { volume: VolumeView; take: () => void; stop: Action | undefined }
function Overview({ volume, take, stop }: Parts) {
  const owner = useOwnerFact(volume.projectId)
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={[...(volumeDescriptor.facts?.(volume) ?? []), ...owner]} />
        </Section>
      }
    >
      {volume.description && (
        <Section title="Description">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {volume.description}
          </Text>
        </Section>
      )}
      <Copying volume={volume} stop={stop} />
      {volume.state === 'awaiting-transfer' && (
        <Section title="Offered to another project">
          <Text size="sm">
            It goes to the project whose member accepts it with the key. Until then nobody can use it.
            “Withdraw the offer” makes it available again, also when the key is lost.
          </Text>
        </Section>
      )}
      {isReserved(volume) && (
        <Section title="Reserved">
          <Text size="sm">
            A client of OpenStack’s API keeps this volume from others. “End the reservation” makes it
            available again.
          </Text>
        </Section>
      )}
      <Attachments volume={volume} />
      <SnapshotsOfVolume volume={volume} take={take} />
      {volume.attachments.length > 0 && !isRootVolume(volume) && <HowToUse volume={volume} />}
      <Metadata volume={volume} />
    </Columns>
  )
}

function Metadata({ volume }: { volume: VolumeView }) {
  const trpc = useTRPC()
  const may = useMay()
  const own = !useElsewhere(volume.projectId)
  const update = useMutation(trpc.volumes.update.mutationOptions())
  const save = (metadata: Record<string, string>) => update.mutateAsync({ id: volume.id, metadata })
  return (
    <KeyValues
      kind="volume"
      title="Metadata"
      description="Words of your own, for people and programs that look after volumes."
      noun="Metadata item"
      plural="Metadata"
      items={volume.metadata}
      allowed={all(may(own), volume.state !== 'deleting' || 'The volume is being deleted.')}
      set={(key, value) => save({ ...volume.metadata, [key]: value })}
      remove={(key) =>
        save(Object.fromEntries(Object.entries(volume.metadata).filter(([other]) => other !== key)))
      }
      setCli={(key, value) => volumePropertySetCli(volume.id, key, value)}
      removeCli={(key) => volumePropertyUnsetCli(volume.id, key)}
      example={{ key: 'use', value: 'database' }}
      mayBeEmpty
    />
  )
}
