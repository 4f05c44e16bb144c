'use client'
import { Alert, Button, Group, MultiSelect, Skeleton, Stack, Text } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import type { PortView, SecurityRuleView } from '@stratolith/api/networking/contract'
import { IconShieldOff } from '@tabler/icons-react'
import { useMutation, useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import type { RowsDescriptor } from '../../../kit/descriptor.ts'
import { cloudError } from '../../../kit/errors.ts'
import { LoadError, Loaded } from '../../../kit/Loaded.tsx'
import { notify } from '../../../kit/notify.ts'
import { paths } from '../../../kit/paths.ts'
import { RowsTable } from '../../../kit/RowsTable.tsx'
import { all, useMay } from '../../../kit/rights.ts'
import { NameLink } from '../../../kit/TableParts.tsx'
import { useTRPC } from '../../../kit/trpc.ts'
import { useSecurityGroups } from '../../../networking/lookups.ts'
import { portsText, protocolText, remoteText, ruleSentence } from '../../../networking/rules.ts'
import { ReasonButton } from '../../../ui/ReasonButton.tsx'
import { Section } from '../../../ui/Section.tsx'
import { usePortsOf } from './InterfacesTab.tsx'

/** Shows the security groups of each interface, and what their rules let through together. */
export function SecurityTab({ view }: { view: InstanceDetail }) {
  const query = usePortsOf(view)
  return (
    <Loaded query={query}>
      {({ items }) => (
        <Stack gap="md">
          {items.map((port) => (
            <PortGroups
              key={`${port.id} ${port.securityGroups.map((group) => group.id).join()}`}
              port={port}
            />
          ))}
          <Rules
            groupIds={[...new Set(items.flatMap((port) => port.securityGroups.map((group) => group.id)))]}
          />
        </Stack>
      )}
    </Loaded>
  )
}

function PortGroups({ port }: { port: PortView }) {
  const trpc = useTRPC()
  const may = useMay()
  const before = port.securityGroups.map((group) => group.id)
  const [chosen, setChosen] = useState(before)
  const { groups, elsewhere } = useSecurityGroups(port.projectId)
  const update = useMutation(
    trpc.networking.ports.update.mutationOptions({
      onSuccess: () => notify.done(`The groups of ${port.networkName} are changed.`),
    }),
  )
  const changed = chosen.toSorted().join() !== before.toSorted().join()
  const known = new Map([...port.securityGroups, ...groups].map(({ id, name }) => [id, name]))
  return (
    <Section title={`Security groups on ${port.networkName}`} description={port.addresses[0]?.address}>
      <Group align="flex-end" gap="sm">
        <MultiSelect
          flex="1 1 260px"
          aria-label={`Security groups on ${port.networkName}`}
          data={[...known].map(([value, label]) => ({ value, label }))}
          value={chosen}
          onChange={setChosen}
          readOnly={elsewhere}
          searchable
          hidePickedOptions
          placeholder={chosen.length === 0 ? 'none: nothing is let in' : undefined}
        />
        <ReasonButton
          variant="default"
          loading={update.isPending}
          allowed={all(
            may(),
            !elsewhere || 'Switch to its project first, to choose among the groups of that one.',
            changed || 'Nothing is changed.',
          )}
          onClick={() => update.mutate({ id: port.id, securityGroupIds: chosen })}
        >
          Apply
        </ReasonButton>
        {changed && (
          <Button variant="subtle" onClick={() => setChosen(before)}>
            Undo
          </Button>
        )}
      </Group>
      {update.isError && (
        <Text size="sm" mt="xs" c="var(--mantine-color-error)" role="alert">
          {cloudError(update.error).message}
        </Text>
      )}
    </Section>
  )
}

type GroupRule = SecurityRuleView & { group: { id: string; name: string } }

function Rules({ groupIds }: { groupIds: string[] }) {
  const trpc = useTRPC()
  const queries = useQueries({
    queries: groupIds.map((id) => trpc.networking.securityGroups.get.queryOptions({ id })),
  })
  // The page says nothing about open ports before every group has been read.
  const failed = queries.find(({ data, isError }) => isError && data === undefined)
  if (failed) return <LoadError error={failed.error} retry={failed.refetch} busy={failed.isFetching} />
  const groups = queries.flatMap(({ data }) => (data ? [data] : []))
  if (groups.length < groupIds.length)
    return <Skeleton height={160} radius="md" role="status" aria-label="Loading" />
  const rules = groups.flatMap((group) => group.rules.map((rule): GroupRule => ({ ...rule, group })))
  const incoming = rules.filter((rule) => rule.direction === 'ingress')
  const outgoing = rules.filter((rule) => rule.direction === 'egress')
  return (
    <>
      {groupIds.length === 0 && (
        <Alert
          variant="light"
          color="warn"
          styles={{ title: { color: 'var(--mantine-color-text)' } }}
          icon={<IconShieldOff />}
          title="No security group"
        >
          Nothing is let in and nothing out. Choose a group above.
        </Alert>
      )}
      <RuleTable title="Let in" rules={incoming} peer="From" none="Nothing is let in from outside." />
      <RuleTable title="Let out" rules={outgoing} peer="To" none="Nothing is let out." />
    </>
  )
}

const ruleRows = (peer: string): RowsDescriptor<GroupRule> => ({
  kind: 'securityGroup',
  noun: 'Rule',
  plural: 'Rules',
  name: ruleSentence,
  icon: null,
  columns: [
    {
      id: 'protocol',
      header: 'Protocol',
      cell: (rule) => `${protocolText(rule.protocol)} ${rule.ethertype}`,
    },
    { id: 'ports', header: 'Ports', cell: portsText },
    { id: 'remote', header: peer, cell: remoteText },
    {
      id: 'group',
      header: 'By group',
      cell: ({ group }) => <NameLink href={paths.securityGroup(group.id)}>{group.name}</NameLink>,
    },
  ],
})

function RuleTable({
  title,
  rules,
  peer,
  none,
}: {
  title: string
  rules: GroupRule[]
  peer: string
  none: string
}) {
  return (
    <Section title={title}>
      {rules.length === 0 ? (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      ) : (
        <RowsTable descriptor={ruleRows(peer)} rows={rules} label={title} />
      )}
    </Section>
  )
}
