'use client'
import { Badge, Code, Group, Skeleton, Stack, Text } from '@mantine/core'
import type { EndpointView, RegionView, ServiceView } from '@stratolith/api/catalog/contract'
import { IconBook2, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { ResourceAction, ResourceDescriptor } from '../kit/descriptor.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import { RowsTable } from '../kit/RowsTable.tsx'
import { all, useAdminOnly } from '../kit/rights.ts'
import { shellLine } from '../kit/shell.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlPanel } from '../kit/url-state.ts'
import { PageHeader } from '../ui/PageHeader.tsx'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { Section } from '../ui/Section.tsx'

const ServiceForm = lazyPanel(() => import('./CatalogForms.tsx').then((module) => module.ServiceForm))
const EndpointForm = lazyPanel(() => import('./CatalogForms.tsx').then((module) => module.EndpointForm))
const RegionForm = lazyPanel(() => import('./CatalogForms.tsx').then((module) => module.RegionForm))

const builtIn = 'It is the cloud’s own and comes from its configuration.'

/** The catalog that programs find in a token: services, their addresses, regions. */
export function CatalogPage() {
  const admin = useAdminOnly()
  const service = useUrlPanel('create', 'service')
  const endpoint = useUrlPanel('create', 'endpoint')
  const region = useUrlPanel('create', 'region')
  const add = (label: string, open: () => void) => (
    <ReasonButton
      size="xs"
      variant="default"
      leftSection={<IconPlus size={14} />}
      allowed={admin()}
      onClick={open}
    >
      {label}
    </ReasonButton>
  )
  return (
    <>
      <PageHeader
        title="Services"
        description="What programs find in the catalog. Services of other programs can stand beside the cloud’s own."
      />
      <Stack gap="md">
        <Services action={add('Create service', service.open)} />
        <Endpoints action={add('Create endpoint', endpoint.open)} />
        <Regions action={add('Create region', region.open)} />
      </Stack>
      {service.opened && <ServiceForm opened onClose={service.close} />}
      {endpoint.opened && <EndpointForm opened onClose={endpoint.close} />}
      {region.opened && <RegionForm opened onClose={region.close} />}
    </>
  )
}

type PartProps = { action: ReactNode }

/** The catalog has no events, so the list is read again after a change. */
function useRemoval<V extends { id: string; builtIn: boolean }>(
  remove: (view: V) => Promise<unknown>,
  words: { title: (view: V) => string; body: string; cli: (view: V) => string },
): ResourceAction<V> {
  const admin = useAdminOnly()
  const client = useQueryClient()
  const trpc = useTRPC()
  return {
    id: 'delete',
    label: 'Delete',
    icon: <IconTrash size={16} />,
    danger: true,
    allowed: (view) => all(!view.builtIn || builtIn, admin()),
    confirm: ([one]) => ({ title: one ? words.title(one) : '', body: words.body, confirmLabel: 'Delete' }),
    run: async (view) => {
      await remove(view)
      await client.invalidateQueries({ queryKey: trpc.catalog.pathKey() })
    },
    asCli: words.cli,
  }
}

function OwnBadge({ own }: { own: boolean }) {
  return own ? (
    <Badge variant="light" color="gray" tt="none" size="sm">
      built in
    </Badge>
  ) : null
}

function Services({ action }: PartProps) {
  const trpc = useTRPC()
  const query = useQuery(trpc.catalog.services.list.queryOptions({}))
  const remove = useMutation(trpc.catalog.services.delete.mutationOptions())
  const removal = useRemoval<ServiceView>(({ id }) => remove.mutateAsync({ id }), {
    title: ({ name, type }) => `Delete ${name || type}?`,
    body: 'Its endpoints go with it; programs no longer find it.',
    cli: ({ id }) => shellLine('openstack', 'service', 'delete', id),
  })
  return (
    <Section title="Services" action={action}>
      <Loaded query={query} waiting={<Skeleton height="162px" role="status" aria-label="Loading" />}>
        {(rows: ServiceView[]) => <RowsTable descriptor={services} rows={rows} actions={[removal]} />}
      </Loaded>
    </Section>
  )
}

const services: ResourceDescriptor<ServiceView> = {
  kind: 'service',
  noun: 'Service',
  plural: 'Services',
  name: ({ name, type }) => name || type,
  icon: <IconBook2 size={28} />,
  columns: [
    {
      id: 'name',
      header: 'Name',
      cell: (view) => (
        <Group gap={6}>
          <Text size="sm" fw={600}>
            {view.name || view.type}
          </Text>
          <OwnBadge own={view.builtIn} />
        </Group>
      ),
    },
    { id: 'type', header: 'Type', cell: ({ type }) => type },
    { id: 'enabled', header: 'Listed', cell: ({ enabled }) => (enabled ? 'yes' : 'no') },
    {
      id: 'description',
      header: 'Description',
      prose: true,
      hideBelow: 'sm',
      cell: ({ description }) => description,
    },
  ],
  empty: { title: 'No services', text: '' },
}

function Endpoints({ action }: PartProps) {
  const trpc = useTRPC()
  const query = useQuery(trpc.catalog.endpoints.list.queryOptions({}))
  const names = new Map(
    useQuery(trpc.catalog.services.list.queryOptions({})).data?.map(({ id, name, type }) => [
      id,
      name || type,
    ]),
  )
  const remove = useMutation(trpc.catalog.endpoints.delete.mutationOptions())
  const removal = useRemoval<EndpointView>(({ id }) => remove.mutateAsync({ id }), {
    title: ({ url }) => `Delete ${url}?`,
    body: 'Programs no longer find the service there.',
    cli: ({ id }) => shellLine('openstack', 'endpoint', 'delete', id),
  })
  const descriptor: ResourceDescriptor<EndpointView> = {
    kind: 'endpoint',
    noun: 'Endpoint',
    plural: 'Endpoints',
    name: ({ url }) => url,
    icon: <IconBook2 size={28} />,
    columns: [
      { id: 'service', header: 'Service', cell: ({ serviceId }) => names.get(serviceId) ?? serviceId },
      { id: 'interface', header: 'Interface', cell: (view) => view.interface },
      { id: 'region', header: 'Region', hideBelow: 'sm', cell: ({ regionId }) => regionId ?? '–' },
      {
        id: 'url',
        header: 'Address',
        cell: ({ url, enabled }) => (
          <Group gap={6}>
            <Code style={{ overflowWrap: 'anywhere' }}>{url}</Code>
            {!enabled && (
              <Text size="xs" c="dimmed">
                not listed
              </Text>
            )}
          </Group>
        ),
      },
    ],
    empty: { title: 'No endpoints', text: '' },
  }
  return (
    <Section title="Endpoints" description="Where programs reach each service." action={action}>
      <Loaded query={query} waiting={<Skeleton height="420px" role="status" aria-label="Loading" />}>
        {(rows: EndpointView[]) => <RowsTable descriptor={descriptor} rows={rows} actions={[removal]} />}
      </Loaded>
    </Section>
  )
}

function Regions({ action }: PartProps) {
  const trpc = useTRPC()
  const query = useQuery(trpc.catalog.regions.list.queryOptions())
  const remove = useMutation(trpc.catalog.regions.delete.mutationOptions())
  const removal = useRemoval<RegionView>(({ id }) => remove.mutateAsync({ id }), {
    title: ({ id }) => `Delete the region ${id}?`,
    body: 'It must have no endpoints.',
    cli: ({ id }) => shellLine('openstack', 'region', 'delete', id),
  })
  return (
    <Section title="Regions" action={action}>
      <Loaded query={query} waiting={<Skeleton height="66px" role="status" aria-label="Loading" />}>
        {(rows: RegionView[]) => <RowsTable descriptor={regions} rows={rows} actions={[removal]} />}
      </Loaded>
    </Section>
  )
}

const regions: ResourceDescriptor<RegionView> = {
  kind: 'region',
  noun: 'Region',
  plural: 'Regions',
  name: ({ id }) => id,
  icon: <IconBook2 size={28} />,
  columns: [
    {
      id: 'id',
      header: 'Region',
      cell: (view) => (
        <Group gap={6}>
          <Text size="sm" fw={600}>
            {view.id}
          </Text>
          <OwnBadge own={view.builtIn} />
        </Group>
      ),
    },
    { id: 'parent', header: 'Below', cell: ({ parentRegionId }) => parentRegionId ?? '–' },
    {
      id: 'description',
      header: 'Description',
      prose: true,
      hideBelow: 'sm',
      cell: ({ description }) => description,
    },
  ],
  empty: { title: 'No regions', text: '' },
}
