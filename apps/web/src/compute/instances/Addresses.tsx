import { Group, Stack, Text } from '@mantine/core'
import type { InstanceAddress } from '@stratolith/api/compute/contract'
import { CopyText } from '../../ui/CopyText.tsx'

export function Addresses({ addresses }: { addresses: InstanceAddress[] }) {
  if (addresses.length === 0)
    return (
      <Text size="sm" c="dimmed">
        none yet
      </Text>
    )
  return (
    <Stack gap={2}>
      {addresses.map((one) => (
        <Group key={one.portId} gap={4} component="span">
          {one.floatingIp && <CopyText whole value={one.floatingIp} />}
          <CopyText whole value={one.address} />
        </Group>
      ))}
    </Stack>
  )
}
