'use client'
import { Alert, Anchor, Stack, Text, VisuallyHidden } from '@mantine/core'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { IconPlugConnectedX } from '@tabler/icons-react'
import { Ago } from '../../kit/Ago.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { machineText, machineTitle } from './machine-words.ts'

/**
 * Says that the instance's machine does not answer, since when, and what that means; shows nothing while the machine
 * answers.
 */
export function MachineNotice({ view }: { view: Pick<InstanceView, 'machine' | 'hostId' | 'hostName'> }) {
  const { machine, hostId, hostName } = view
  return (
    <>
      {/* The element is there before it has a text: screen readers often skip an element that appears together with its
          text. */}
      <VisuallyHidden role="status">{machine && machineTitle(machine)}</VisuallyHidden>
      {machine && (
        <Alert
          color="warn"
          variant="light"
          icon={<IconPlugConnectedX />}
          // As a status the whole box would be read out whenever its time changes.
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
