'use client'
import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { isNothing } from '../kit/errors.ts'
import { shortId } from '../kit/format.ts'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useTRPC } from '../kit/trpc.ts'

/** Names the snapshot of which a volume was made, while it still exists. */
export function SnapshotSource({ id }: { id: string }) {
  const { data, error } = useQuery(useTRPC().volumes.snapshots.get.queryOptions({ id }, { retry: false }))
  if (isNothing(error)) return <Gone text="A snapshot that is deleted" />
  return <Source href={paths.volumeSnapshot(id)} text={`Snapshot ${data?.name || shortId(id)}`} />
}

/** Names the volume of which a volume is a copy, while it still exists. */
export function VolumeSource({ id }: { id: string }) {
  const { data, error } = useQuery(useTRPC().volumes.get.queryOptions({ id }, { retry: false }))
  if (isNothing(error)) return <Gone text="A volume that is deleted" />
  return <Source href={paths.volume(id)} text={`Volume ${data?.name || shortId(id)}`} />
}

/** Names the backup whose content a volume got, while it still exists. */
export function BackupSource({ id }: { id: string }) {
  const { data, error } = useQuery(useTRPC().volumes.backups.get.queryOptions({ id }, { retry: false }))
  if (isNothing(error)) return <Gone text="A backup that is deleted" />
  return <Source href={paths.volumeBackup(id)} text={`Backup ${data?.name || shortId(id)}`} />
}

/** Names the group of a volume. */
export function GroupLink({ id }: { id: string }) {
  const { data } = useQuery(useTRPC().volumes.groups.get.queryOptions({ id }, { retry: false }))
  return <Source href={paths.volumeGroup(id)} text={data?.name || shortId(id)} />
}

const Source = ({ href, text }: { href: string; text: string }) => (
  <Anchor component={Link} href={href} size="sm" prefetch={false} style={{ overflowWrap: 'anywhere' }}>
    {text}
  </Anchor>
)
const Gone = ({ text }: { text: string }) => (
  <Text size="sm" c="dimmed" component="span">
    {text}
  </Text>
)
