import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { moreThan } from './more-than.ts'

/** Says why the instance is in error, and what to do now. */
export function FaultCard({
  view,
  fault,
}: {
  view: InstanceView
  fault: NonNullable<InstanceView['fault']>
}) {
  const neverRan = view.launchedAt === null
  const detail = moreThan(fault.message, fault.detail)
  return (
    <Alert
      color="bad"
      variant="light"
      icon={<IconAlertTriangle />}
      title={fault.message}
      role="alert"
      mt="sm"
    >
      <Stack gap="xs">
        <Text size="sm">
          {neverRan
            ? 'It was never built, and nothing of it is left on a host. The timeline below shows the step that failed. Delete it and launch again.'
            : 'Its disk is kept. A hard reboot starts it anew; if that fails too, look at the log and the operations below.'}
        </Text>
        {detail && <Code block>{detail}</Code>}
        <Group gap="xs">
          {neverRan && (
            <Button component={Link} href={relaunchPath(view)} size="xs" variant="default">
              Launch one like it
            </Button>
          )}
          <Text size="xs" c="dimmed">
            <Ago iso={fault.at} /> · code {fault.code}
          </Text>
        </Group>
      </Stack>
    </Alert>
  )
}

function relaunchPath(view: InstanceView): string {
  const params = new URLSearchParams({ name: view.name, flavor: view.flavor.id })
  if (view.image.id) params.set('image', view.image.id)
  if (view.keyName) params.set('key', view.keyName)
  const network = view.addresses[0]?.networkId
  if (network) params.set('network', network)
  return `${paths.launch}?${params.toString()}`
}
