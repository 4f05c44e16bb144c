'use client'
import { Alert, Anchor, Stack, Text, VisuallyHidden } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { machineText, machineTitle } from './machine-words.ts'

/** That its machine does not answer, since when, and what that means; nothing while it does. */
export function MachineNotice({ view }: { view: Pick<InstanceView, 'machine' | 'hostId' | 'hostName'> }) {
  const { machine, hostId, hostName } = view
  return (
    <>
      {/* Before there is anything to say: what comes together with its text is often not read out. */}
      <VisuallyHidden role="status">{machine && machineTitle(machine)}</VisuallyHidden>
      {machine && (
        <Alert
          color="orange"
          variant="light"
          icon={<IconPlugConnectedX />}
          // The whole would be read out with every tick of its time.
          role="note"
          title={machineTitle(machine)}
          mt="sm"
        >
          <Stack gap="xs">
            <Text size="sm">
              {machine.since && (
                <>
                  It answered last <Ago iso={machine.since} />.{' '}
                </>
              )}
              {machineText(machine)}
            </Text>
            {hostId && hostName && (
              <Anchor
                component={Link}
                size="sm"
                c="inherit"
                underline="always"
                href={`${paths.adminHosts}?panel=${hostId}`}
              >
                Look at host {hostName}
              </Anchor>
            )}
          </Stack>
        </Alert>
      )}
    </>
  )
}
