'use client'
import { Anchor, List, Text } from '@mantine/core'
import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { useQuery } from '@tanstack/react-query'
import { DetailPage } from '../../kit/DetailPage.tsx'
import { Loaded } from '../../kit/Loaded.tsx'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { lazyTab } from '../../kit/lazy-part.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { reachOf } from '../../kit/place.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlPanel } from '../../kit/url-state.ts'
import { Columns } from '../../ui/Columns.tsx'
import { Facts } from '../../ui/Fact.tsx'
import { Section } from '../../ui/Section.tsx'
import { EnabledBadge } from '../EnabledBadge.tsx'
import { projectDescriptor } from './descriptor.tsx'
import { useProjectActions } from './use-project-actions.tsx'

const RolesAt = lazyTab(() => import('../roles/RolesAt.tsx').then((module) => module.RolesAt))
const ProjectQuota = lazyTab(() =>
  import('../../quota/ProjectQuota.tsx').then((module) => module.ProjectQuota),
)
const ProjectContents = lazyTab(() =>
  import('./ProjectContents.tsx').then((module) => module.ProjectContents),
)
const OperationsTable = lazyTab(() =>
  import('../../operations/OperationsTable.tsx').then((module) => module.OperationsTable),
)

const ProjectForm = lazyPanel(() => import('./ProjectForm.tsx').then((module) => module.ProjectForm))
const ProjectDelete = lazyPanel(() => import('./ProjectDelete.tsx').then((module) => module.ProjectDelete))

export function ProjectPage({ id }: { id: string }) {
  const trpc = useTRPC()
  const project = useQuery(trpc.directory.projects.get.queryOptions({ id }))
  return (
    <>
      <Loaded query={project}>{(view) => <Detail project={view} />}</Loaded>
      <DeletePanel id={id} />
    </>
  )
}

/** Stands outside of the page's content, because it still shows the end of the deletion when the project is gone. */
function DeletePanel({ id }: { id: string }) {
  const panel = useUrlPanel('delete')
  return <ProjectDelete id={id} opened={panel.opened} onClose={panel.close} />
}

function Detail({ project }: { project: ProjectDetail }) {
  const { cloud } = reachOf(useSession())
  const edit = useUrlPanel('edit')
  const below = useUrlPanel('below')
  const place = {
    kind: 'project' as const,
    id: project.id,
    name: project.name,
    domainId: project.domainId,
  }
  return (
    <>
      <DetailPage
        descriptor={projectDescriptor}
        view={project}
        actions={useProjectActions()}
        badge={<EnabledBadge enabled={project.enabled} deleting={project.deleting} />}
        tabs={[
          { id: 'overview', label: 'Overview', content: <Overview project={project} /> },
          { id: 'members', label: 'Members', content: <RolesAt place={place} /> },
          ...(cloud
            ? [
                {
                  id: 'quota',
                  label: 'Quota and usage',
                  content: <ProjectQuota projectId={project.id} name={project.name} />,
                },
              ]
            : []),
          { id: 'contents', label: 'Contents', content: <ProjectContents id={project.id} /> },
          ...(cloud
            ? [
                {
                  id: 'operations',
                  label: 'Operations',
                  content: <OperationsTable of={{ projectId: project.id }} none={noneIn} />,
                },
              ]
            : []),
        ]}
      />
      {edit.opened && <ProjectForm project={project} opened onClose={edit.close} />}
      {below.opened && <ProjectForm parent={project} opened onClose={below.close} />}
    </>
  )
}

const noneIn = 'Every action in this project is listed here with its steps, its seconds and its errors.'

function Overview({ project }: { project: ProjectDetail }) {
  return (
    <Columns
      side={
        <Section title="Facts">
          <Facts items={projectDescriptor.facts?.(project) ?? []} />
        </Section>
      }
    >
      <Family project={project} />
    </Columns>
  )
}

/** The projects above and below the project. */
function Family({ project }: { project: ProjectDetail }) {
  const trpc = useTRPC()
  const parent = useQuery({
    ...trpc.directory.projects.get.queryOptions({ id: project.parentId ?? '' }),
    enabled: project.parentId !== null,
  })
  const children = useQuery(
    trpc.directory.projects.list.queryOptions({ parentId: project.id, limit: 200, sortDir: 'asc' }),
  )
  const link = (id: string, name: string) => (
    <Anchor component={Link} href={paths.project(id)} size="sm">
      {name}
    </Anchor>
  )
  return (
    <Section title="In the tree">
      <Text size="sm">
        Below {parent.data ? link(parent.data.id, parent.data.name) : `the domain ${project.domainName}`}.
      </Text>
      {children.data &&
        (children.data.items.length === 0 ? (
          <Text size="sm" c="dimmed" mt={4}>
            No project is below it.
          </Text>
        ) : (
          <List size="sm" mt="xs" aria-label="Projects below">
            {children.data.items.map(({ id, name }) => (
              <List.Item key={id}>{link(id, name)}</List.Item>
            ))}
          </List>
        ))}
    </Section>
  )
}
