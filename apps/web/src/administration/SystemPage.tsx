'use client'
import { SimpleGrid, Skeleton, Stack, Text } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import type { ProcessView, SystemView } from '@stratolith/api/system/contract'
import { IconCpu } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Accelerator } from '../hosts/Accelerator.tsx'
import { Ago } from '../kit/Ago.tsx'
import type { ResourceDescriptor, RowsDescriptor } from '../kit/descriptor.ts'
import { bytes, dateTime, gib, mib } from '../kit/format.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { paths } from '../kit/paths.ts'
import { RowsTable } from '../kit/RowsTable.tsx'
import { StateBadge } from '../kit/StateBadge.tsx'
import { NameLink } from '../kit/TableParts.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { Bar } from '../ui/Bar.tsx'
import { Facts } from '../ui/Fact.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'
import { HeldBack } from './HeldBack.tsx'

/** A process that dies tells nobody, so the page asks again and again. */
const lookEveryMs = 10_000

/** The parts of the cloud and their health. */
export function SystemPage() {
  const trpc = useTRPC()
  const info = useQuery({ ...trpc.system.info.queryOptions(), refetchInterval: lookEveryMs })
  const hosts = useQuery(trpc.hosts.list.queryOptions({ limit: 200 }))
  return (
    <>
      <PageHeader
        title="System"
        description="This page shows the processes, hosts and machines of the cloud, and their present state."
      />
      <Loaded query={info} waiting={<Skeleton height="90vh" mb="md" role="status" aria-label="Loading" />}>
        {(view) => <Information info={view} />}
      </Loaded>
      <Section title="Hosts can" description="This is what the machines and programs of the hosts allow.">
        <Loaded query={hosts}>
          {({ items }: { items: HostView[] }) => <RowsTable descriptor={abilities} rows={items} />}
        </Loaded>
      </Section>
    </>
  )
}

function Information({ info }: { info: SystemView }) {
  return (
    <Stack gap="md" mb="md">
      {info.heldBack && <HeldBack by={info.heldBack} />}
      <Section title="Processes">
        <RowsTable descriptor={processes} rows={info.processes.map((one) => ({ ...one, id: one.name }))} />
      </Section>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Section title="Cloud">
          <Facts
            items={[
              { label: 'Region', value: info.region },
              { label: 'Public address', value: info.publicUrl, copy: info.publicUrl },
              { label: 'Node.js', value: info.versions.node },
              { label: 'PostgreSQL', value: info.versions.postgresql },
              { label: 'Database', value: bytes(info.database.sizeBytes) },
              { label: 'Database connections', value: info.database.connections },
              { label: 'Jobs waiting', value: info.jobs.waiting },
              {
                label: 'Jobs failed for good',
                value:
                  info.jobs.failed === 0 ? 0 : <StateBadge tone="bad" state={String(info.jobs.failed)} />,
              },
            ]}
          />
        </Section>
        <Section title="Machine of the control plane">
          <Stack gap="md">
            <Facts
              items={[
                { label: 'Name', value: info.machine.name },
                { label: 'System', value: info.machine.system },
                { label: 'Processors', value: info.machine.processors },
              ]}
            />
            <Bar
              label="Memory"
              used={info.machine.memoryMib - info.machine.freeMemoryMib}
              limit={info.machine.memoryMib}
              format={mib}
            />
            {info.disk && (
              <Bar
                label="Disk of the data folder"
                used={info.disk.totalBytes - info.disk.freeBytes}
                limit={info.disk.totalBytes}
                format={bytes}
              />
            )}
          </Stack>
        </Section>
      </SimpleGrid>
      <Schema migrations={info.migrations} />
    </Stack>
  )
}

const changes: RowsDescriptor<SystemView['migrations'][number] & { id: string }> = {
  kind: 'migration',
  noun: 'Change',
  plural: 'Changes',
  name: ({ name }) => name,
  icon: null,
  columns: [
    { id: 'name', header: 'Change', cell: ({ name }) => name },
    { id: 'at', header: 'Made', cell: ({ at }) => dateTime(at) },
  ],
}

function Schema({ migrations }: Pick<SystemView, 'migrations'>) {
  return (
    <Section title="Schema" description="These are the newest changes of the database.">
      {migrations.length === 0 ? (
        <Text size="sm" c="dimmed">
          None is recorded.
        </Text>
      ) : (
        <RowsTable
          descriptor={changes}
          rows={migrations.slice(0, 8).map((one) => ({ ...one, id: one.name }))}
          label="Migrations"
        />
      )}
    </Section>
  )
}

const does: Record<string, string> = {
  api: 'Answers portal and programs',
  worker: 'Does what takes time',
  agent: 'Runs the guests of this host',
  'console-proxy': 'Carries consoles',
  web: 'Draws the portal',
}

const processes: ResourceDescriptor<ProcessView & { id: string }> = {
  kind: 'process',
  noun: 'Process',
  plural: 'Processes',
  name: ({ name }) => name,
  icon: <IconCpu size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: ({ name }) => (
        <div>
          <Text size="sm" fw={600}>
            {name}
          </Text>
          <Text size="xs" c="dimmed">
            {does[name]}
          </Text>
        </div>
      ),
    },
    {
      id: 'state',
      header: 'State',
      cell: ({ running }) =>
        running ? <StateBadge state="Running" tone="good" /> : <StateBadge state="Not running" tone="bad" />,
    },
    { id: 'pid', header: 'Process', hideBelow: 'sm', cell: ({ pid }) => pid },
    {
      id: 'memory',
      header: 'Memory',
      cell: ({ memoryMib }) => (memoryMib === null ? '–' : mib(memoryMib)),
    },
    {
      id: 'since',
      header: 'Since',
      cell: ({ startedAt }) => (startedAt === null ? '–' : <Ago iso={startedAt} />),
    },
  ],
  empty: {
    title: 'Nothing is recorded',
    text: 'Processes that npm start keeps are listed here.',
  },
}

const abilities: ResourceDescriptor<HostView> = {
  kind: 'host',
  noun: 'Host',
  plural: 'Hosts',
  name: ({ name }) => name,
  icon: <IconCpu size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Host',
      cell: ({ id, name }) => <NameLink href={`${paths.adminHosts}?panel=${id}`}>{name}</NameLink>,
    },
    { id: 'accelerator', header: 'Accelerator', cell: (host) => <Accelerator host={host} /> },
    { id: 'hypervisor', header: 'Hypervisor', cell: (host) => host.hypervisor },
    { id: 'cpu', header: 'Processor', cell: (host) => host.cpuModel },
    {
      id: 'physical',
      header: 'Machine',
      cell: ({ physical }) => `${physical.vcpus} CPUs, ${mib(physical.memoryMib)}, ${gib(physical.diskGib)}`,
    },
  ],
  empty: { title: 'No hosts', text: 'A host registers itself as soon as its agent starts.' },
}
