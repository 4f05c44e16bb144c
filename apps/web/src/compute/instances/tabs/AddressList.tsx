import { Anchor, Stack, Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { Link } from '../../../kit/navigation.tsx'
import { paths } from '../../../kit/paths.ts'
import { CopyText } from '../../../ui/CopyText.tsx'

export function AddressList({ view }: { view: InstanceView }) {
  if (view.addresses.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {view.vmState === 'building' ? 'It gets its addresses in a moment.' : 'It has no addresses.'}
      </Text>
    )
  return (
    <Stack gap="sm">
      {view.addresses.map((one) => (
        <div key={one.portId}>
          <Anchor component={Link} size="sm" fw={600} href={paths.network(one.networkId)}>
            {one.networkName}
          </Anchor>
          <Text size="sm" component="div">
            <CopyText value={one.address} />{' '}
            {one.floatingIp ? (
              <>
                floating IP <CopyText value={one.floatingIp} />
              </>
            ) : (
              <Text span size="sm" c="dimmed">
                no public IP
              </Text>
            )}
          </Text>
          <Text size="xs" c="dimmed">
            MAC {one.mac}
          </Text>
        </div>
      ))}
    </Stack>
  )
}
