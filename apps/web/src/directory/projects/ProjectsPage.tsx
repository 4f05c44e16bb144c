'use client'
import { Group, SegmentedControl } from '@mantine/core'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { MainAction } from '../../kit/MainAction.tsx'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useUrlPanel, useUrlState } from '../../kit/url-state.ts'
import { PageHeader } from '../../ui/PageHeader.tsx'
import { useDomainFilter } from '../domain-filter.ts'
import { projectDescriptor } from './descriptor.tsx'
import { projectList } from './list.ts'
import { useProjectActions } from './use-project-actions.tsx'

const ProjectForm = lazyPanel(() => import('./ProjectForm.tsx').then((module) => module.ProjectForm))
const ProjectTree = lazyPart(() => import('./ProjectTree.tsx').then((module) => module.ProjectTree))

export function ProjectsPage() {
  const manage = useManage()
  const { get, set } = useUrlState()
  const panel = useUrlPanel('create')
  const tree = get('view') === 'tree'
  return (
    <>
      <PageHeader
        title="Projects"
        description="What teams work in: each with its members, its quota and its own instances and networks."
        actions={
          <Group gap="xs">
            <SegmentedControl
              aria-label="How to show them"
              size="xs"
              data={[
                { value: 'list', label: 'List' },
                { value: 'tree', label: 'Tree' },
              ]}
              value={tree ? 'tree' : 'list'}
              onChange={(value) => set({ view: value === 'tree' ? 'tree' : null })}
            />
            <MainAction label="Create project" allowed={manage(null)} to={{ onClick: panel.open }} />
          </Group>
        }
      />
      {tree ? <ProjectTree /> : <ProjectList />}
      <ProjectForm opened={panel.opened} onClose={panel.close} />
    </>
  )
}

function ProjectList() {
  const domains = useDomainFilter()
  return (
    <ResourceTable
      descriptor={projectDescriptor}
      actions={useProjectActions()}
      filters={[
        ...domains,
        {
          id: 'state',
          label: 'State',
          options: [
            { value: 'enabled', label: 'Enabled' },
            { value: 'disabled', label: 'Disabled' },
          ],
        },
      ]}
      query={projectList}
    />
  )
}
