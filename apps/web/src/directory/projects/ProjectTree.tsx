'use client'
import { Anchor, Group, Text } from '@mantine/core'
import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { IconBuildingCommunity, IconFolder } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../kit/Loaded.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { EnabledBadge } from '../EnabledBadge.tsx'
import { Tags } from '../Tags.tsx'
import classes from './ProjectTree.module.css'
import { type ProjectNode, treeOf } from './tree.ts'

/** How many projects a list returns at most. */
const limit = 1000

/** Domains with their projects, each below its parent. */
export function ProjectTree() {
  const trpc = useTRPC()
  const query = useQuery(trpc.directory.projects.list.queryOptions({ limit, sortDir: 'asc' }))
  return (
    <Loaded query={query}>
      {({ items, total }) => (
        <>
          {treeOf(items).map((domain) => (
            <section key={domain.id} aria-label={`Domain ${domain.name}`} className={classes.domain}>
              <Group gap={8} mb={4}>
                <IconBuildingCommunity size={18} aria-hidden />
                <Anchor component={Link} href={paths.domain(domain.id)} fw={600} size="sm">
                  {domain.name}
                </Anchor>
              </Group>
              <Branch nodes={domain.projects} />
            </section>
          ))}
          {total > items.length && (
            <Text size="sm" c="dimmed">
              {`These are ${items.length.toLocaleString('en')} of ${total.toLocaleString('en')}. Use the list to find the others.`}
            </Text>
          )}
        </>
      )}
    </Loaded>
  )
}

function Branch({ nodes }: { nodes: ProjectNode[] }) {
  return (
    <ul className={classes.branch}>
      {nodes.map(({ project, children }) => (
        <li key={project.id}>
          <Leaf project={project} />
          {children.length > 0 && <Branch nodes={children} />}
        </li>
      ))}
    </ul>
  )
}

function Leaf({ project }: { project: ProjectDetail }) {
  return (
    <Group gap={8} py={4} wrap="wrap">
      <IconFolder size={16} aria-hidden />
      <Anchor component={Link} href={paths.project(project.id)} size="sm" fw={500}>
        {project.name}
      </Anchor>
      {(!project.enabled || project.deleting) && (
        <EnabledBadge enabled={project.enabled} deleting={project.deleting} />
      )}
      {project.tags.length > 0 && <Tags tags={project.tags} />}
      {project.description && (
        <Text size="xs" c="dimmed" lineClamp={1} style={{ flex: '1 1 120px' }}>
          {project.description}
        </Text>
      )}
    </Group>
  )
}
