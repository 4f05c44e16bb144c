'use client'
import { Anchor, Badge, Code, Group, Stack, Text } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { instanceCan } from '@stratolith/api/compute/states'
import type { Allowed } from '@stratolith/api/kernel/contract'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { isRootVolume } from '@stratolith/api/volumes/states'
import { IconPlugConnected } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RowsDescriptor } from '../../../kit/descriptor.ts'
import { Loaded } from '../../../kit/Loaded.tsx'
import { lazyPanel } from '../../../kit/lazy-panel.tsx'
import { Link } from '../../../kit/navigation.tsx'
import { notify } from '../../../kit/notify.ts'
import { paths } from '../../../kit/paths.ts'
import { RowsTable } from '../../../kit/RowsTable.tsx'
import { all, useMay } from '../../../kit/rights.ts'
import { useLook, useSession } from '../../../kit/session.ts'
import { invalidateKind } from '../../../kit/stale.ts'
import { useTRPC } from '../../../kit/trpc.ts'
import { useUrlPanel } from '../../../kit/url-state.ts'
import { EmptyState } from '../../../ui/EmptyState.tsx'
import { ReasonButton } from '../../../ui/ReasonButton.tsx'
import { ReasonSwitch } from '../../../ui/ReasonSwitch.tsx'
import { volumeDescriptor } from '../../../volumes/volume.descriptor.tsx'
import { useDetachAction } from '../../../volumes/volume-actions.tsx'
import { asLockedFor } from '../lock-words.ts'
import { LocalDisks } from './LocalDisks.tsx'

const AttachVolumeForm = lazyPanel(() =>
  import('../forms/AttachVolumeForm.tsx').then((m) => m.AttachVolumeForm),
)

/** The volumes of an instance with their names in the guest. */
export function VolumesTab({ view }: { view: InstanceDetail }) {
  const trpc = useTRPC()
  const may = useMay()
  const { isAdmin, project } = useSession()
  const { allProjects } = useLook(view.projectId)
  const panel = useUrlPanel('attach-volume')
  const query = useQuery(trpc.volumes.list.queryOptions({ instanceId: view.id, limit: 100, allProjects }))
  const detach = useDetachAction(view.id)
  const allowed = (can: typeof instanceCan.attachVolume) =>
    all(may(view.projectId === project?.id), can(asLockedFor(isAdmin, view)))
  const attach = (
    <ReasonButton
      size="sm"
      variant="default"
      leftSection={<IconPlugConnected size={16} />}
      allowed={allowed(instanceCan.attachVolume)}
      onClick={panel.open}
    >
      Attach volume
    </ReasonButton>
  )
  return (
    <Loaded query={query}>
      {({ items }) => (
        <Stack gap="md">
          {items.length > 0 && <Group justify="flex-end">{attach}</Group>}
          <RowsTable
            descriptor={descriptorFor(view.id, may(view.projectId === project?.id))}
            rows={items.toSorted((a, b) => (deviceIn(a, view.id) < deviceIn(b, view.id) ? -1 : 1))}
            actions={[
              {
                ...detach,
                allowed: (volume) => all(allowed(instanceCan.detachVolume), detach.allowed(volume)),
              },
            ]}
            empty={
              <EmptyState
                icon={volumeDescriptor.icon}
                title="No volumes"
                text="A volume is a disk that stays when the instance is deleted."
                action={attach}
              />
            }
          />
          {items.length > 0 && (
            <Text size="sm" c="dimmed">
              A snapshot keeps what a volume contains, also while the guest runs: open the volume and choose
              “Take snapshot”. All of them stand under{' '}
              <Anchor component={Link} href={paths.volumeSnapshots} size="sm" underline="always">
                Volume snapshots
              </Anchor>
              .
            </Text>
          )}
          {view.localDisks.length > 0 && <LocalDisks disks={view.localDisks} />}
          <AttachVolumeForm view={view} opened={panel.opened} onClose={panel.close} />
        </Stack>
      )}
    </Loaded>
  )
}

/** Says whether the volume is deleted with the instance, and changes this at once. */
function GoesSwitch({
  volume,
  instanceId,
  allowed,
}: {
  volume: VolumeView
  instanceId: string
  allowed: Allowed
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const keep = useMutation(trpc.compute.instances.keepVolume.mutationOptions())
  const goes = volume.attachments.find((one) => one.instanceId === instanceId)?.deleteOnTermination ?? false
  const change = async (deleteOnTermination: boolean) => {
    try {
      await keep.mutateAsync({ id: instanceId, volumeId: volume.id, deleteOnTermination })
      invalidateKind(client, 'volume')
    } catch (error) {
      notify.failed(error)
    }
  }
  return (
    <ReasonSwitch
      size="sm"
      label={goes ? 'Deleted, too' : 'Stays'}
      aria-label={`Delete ${volumeDescriptor.name(volume)} with the instance`}
      allowed={allowed}
      disabled={keep.isPending}
      checked={goes}
      onChange={(checked) => void change(checked)}
    />
  )
}

const deviceIn = (volume: VolumeView, instanceId: string): string =>
  volume.attachments.find((one) => one.instanceId === instanceId)?.device ?? ''

function descriptorFor(instanceId: string, allowed: Allowed): RowsDescriptor<VolumeView> {
  const shown = ['name', 'state', 'size']
  return {
    ...volumeDescriptor,
    columns: [
      ...volumeDescriptor.columns.filter(({ id }) => shown.includes(id)),
      {
        id: 'device',
        header: 'Device',
        cell: (volume) => (
          <Group gap="xs" wrap="nowrap">
            <Code>{deviceIn(volume, instanceId)}</Code>
            {isRootVolume(volume) && <Badge variant="light">Root disk</Badge>}
          </Group>
        ),
      },
      {
        id: 'goes',
        header: 'With the instance',
        cell: (volume) => <GoesSwitch volume={volume} instanceId={instanceId} allowed={allowed} />,
      },
    ],
  }
}
