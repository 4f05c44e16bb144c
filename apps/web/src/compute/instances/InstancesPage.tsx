'use client'
import { Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useUrlState } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { LaunchButton } from '../launch/LaunchButton.tsx'
import { allInstancesDescriptor, instanceDescriptor } from './descriptor.tsx'
import { useInstanceFilters } from './filters.tsx'
import { useInstanceForms } from './forms/use-instance-forms.tsx'
import { InstancePanel } from './InstancePanel.tsx'
import { hostOf, instanceList } from './list.ts'
import { useInstanceActions } from './use-instance-actions.tsx'

export function InstancesPage({ allProjects = false }: { allProjects?: boolean }) {
  const forms = useInstanceForms()
  const actions = useInstanceActions(forms.open)
  const { get, set } = useUrlState()
  const hostId = hostOf(get)
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
        query={instanceList(allProjects)}
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
