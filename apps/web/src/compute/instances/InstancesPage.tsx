'use client'
import { Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { isUuid } from '../../kit/paths.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlState } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { LaunchButton } from '../launch/LaunchButton.tsx'
import { allInstancesDescriptor, instanceDescriptor } from './descriptor.tsx'
import { useInstanceFilters } from './filters.tsx'
import { useInstanceForms } from './forms/use-instance-forms.tsx'
import { InstancePanel } from './InstancePanel.tsx'
import { isStatus } from './state.ts'
import { useInstanceActions } from './use-instance-actions.tsx'

export function InstancesPage({ allProjects = false }: { allProjects?: boolean }) {
  const trpc = useTRPC()
  const forms = useInstanceForms()
  const actions = useInstanceActions(forms.open)
  const { get, set } = useUrlState()
  // Text that cannot be the ID of a host (an address that was cut short) is not sent.
  const host = get('host')
  const hostId = host !== null && isUuid(host) ? host : null
  return (
    <>
      <PageHeader
        title={allProjects ? 'All instances' : 'Instances'}
        description={
          allProjects ? 'Of every project, and where they run.' : 'Virtual machines of this project.'
        }
        actions={allProjects ? undefined : <LaunchButton />}
      />
      <ResourceTable
        descriptor={allProjects ? allInstancesDescriptor : instanceDescriptor}
        actions={actions}
        filters={useInstanceFilters(allProjects)}
        query={(page, { status, image, flavor, network, tag }) =>
          trpc.compute.instances.list.queryOptions({
            ...page,
            allProjects,
            status: statusWords(status),
            imageId: image,
            flavorId: flavor,
            networkId: network,
            tags: tag === undefined ? undefined : [tag],
            hostId: (allProjects && hostId) || undefined,
          })
        }
        toolbar={
          allProjects
            ? hostId && (
                <Button
                  variant="light"
                  rightSection={<IconX size={14} />}
                  onClick={() => set({ host: null })}
                >
                  On one host only
                </Button>
              )
            : undefined
        }
      />
      <InstancePanel actions={actions} />
      {forms.panels}
    </>
  )
}

/** A person who looks for reboots also wants to find hard reboots. */
const statusWords = (status: string | undefined) =>
  !isStatus(status)
    ? undefined
    : status === 'REBOOT'
      ? (['REBOOT', 'HARD_REBOOT'] as const).slice()
      : [status]
