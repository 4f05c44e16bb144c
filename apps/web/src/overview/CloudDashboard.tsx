'use client'
import { Alert, Anchor, Grid, SimpleGrid, Stack, Text } from '@mantine/core'
import type { InstancesSummary } from '@stratolith/api/compute/contract'
import type { HostsSummary } from '@stratolith/api/hosts/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { RowsDescriptor } from '../kit/descriptor.ts'
import { gib, mib } from '../kit/format.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { NameLink } from '../kit/TableParts.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Bar } from '../ui/Bar.tsx'
import { Facts } from '../ui/Fact.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'
import { InstanceCounts } from './InstanceCounts.tsx'
import { FailedOperations } from './RecentOperations.tsx'
import { countRead } from './reads.ts'
import { warningsOf } from './warnings.ts'

/** No event tells that a disk fills or a process dies, so the page asks at this interval. */
const lookEveryMs = 30_000

/** The state of the whole cloud on one page, by a few queries, however big the cloud is. */
export function CloudDashboard() {
  const trpc = useTRPC()
  const hosts = useQuery({ ...trpc.hosts.summary.queryOptions(), refetchInterval: lookEveryMs })
  const instances = useQuery(countRead(trpc, true))
  const info = useQuery({ ...trpc.system.info.queryOptions(), refetchInterval: lookEveryMs })
  const warnings = warningsOf(hosts.data, info.data)
  return (
    <>
      <PageHeader title="Overview" description="The whole cloud" />
      <Stack gap="md">
        {warnings.length > 0 && (
          <Alert
            variant="light"
            color={warnings.some(({ severe }) => severe) ? 'bad' : 'warn'}
            icon={<IconAlertTriangle size={20} />}
            role="region"
            aria-label="Warnings"
          >
            <Stack gap={4} fz="sm">
              {warnings.map(({ text, href }) => (
                <Anchor
                  key={text}
                  component={Link}
                  href={href}
                  inherit
                  underline="always"
                  c="var(--mantine-color-text)"
                >
                  {text}
                </Anchor>
              ))}
            </Stack>
          </Alert>
        )}
        <InstanceCounts allProjects />
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 5 }}>
            <Section
              title="Hosts"
              action={
                <Anchor component={Link} href={paths.adminHosts} size="sm">
                  All hosts
                </Anchor>
              }
            >
              <Loaded query={hosts}>{(summary) => <Hosts summary={summary} />}</Loaded>
            </Section>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 7 }}>
            <Section
              title="Projects with the most instances"
              action={
                <Anchor component={Link} href={paths.projects} size="sm">
                  All projects
                </Anchor>
              }
            >
              <Loaded query={instances}>{({ projects }) => <Projects projects={projects} />}</Loaded>
            </Section>
          </Grid.Col>
        </Grid>
        <FailedOperations allProjects />
      </Stack>
    </>
  )
}

function Hosts({ summary }: { summary: HostsSummary }) {
  const { up, suspect, down, fenced, disabled, vcpus, memoryMib, diskGib } = summary
  return (
    <Stack gap="sm">
      <SimpleGrid cols={2} spacing="xs">
        <Facts
          items={[
            { label: 'Up', value: up },
            { label: 'Silent', value: suspect + down },
          ]}
        />
        <Facts
          items={[
            { label: 'Fenced', value: fenced },
            { label: 'Disabled', value: disabled },
          ]}
        />
      </SimpleGrid>
      <Bar label="vCPUs given out" used={vcpus.used} limit={vcpus.total} />
      <Bar label="Memory given out" used={memoryMib.used} limit={memoryMib.total} format={mib} />
      <Bar label="Disk given out" used={diskGib.used} limit={diskGib.total} format={gib} />
    </Stack>
  )
}

type Usage = InstancesSummary['projects'][number]
const busiest: RowsDescriptor<Usage> = {
  kind: 'project',
  noun: 'Project',
  plural: 'Projects',
  name: ({ name }) => name,
  icon: null,
  columns: [
    {
      id: 'name',
      header: 'Project',
      cell: ({ id, name }) => <NameLink href={paths.project(id)}>{name}</NameLink>,
    },
    { id: 'instances', header: 'Instances', cell: ({ instances }) => instances },
    { id: 'vcpus', header: 'vCPUs', cell: ({ vcpus }) => vcpus },
    { id: 'memory', header: 'Memory', cell: ({ memoryMib }) => mib(memoryMib) },
  ],
}

function Projects({ projects }: Pick<InstancesSummary, 'projects'>) {
  if (projects.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nobody runs anything yet.
      </Text>
    )
  return <RowsTable descriptor={busiest} rows={projects} label="Projects with the most instances" />
}
