'use client'
import { Anchor, Group, Stack, Text } from '@mantine/core'
import type { SecurityGroupView, SecurityRuleView } from '@stratolith/api/networking/contract'
import {
  IconAlertTriangle,
  IconArrowDownLeft,
  IconArrowUpRight,
  IconPlus,
  IconTrash,
} from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { ResourceAction, ResourceDescriptor } from '../../kit/descriptor.ts'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import { Link } from '../../kit/navigation.tsx'
import { paths } from '../../kit/paths.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useMay } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { useUrlState } from '../../kit/url-state.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { ruleDeleteCli } from '../cli.ts'
import { portsText, protocolText, remoteText, ruleSentence, ruleWarning } from '../rules.ts'

const RuleCreateForm = lazyPanel(() => import('./RuleCreateForm.tsx').then((module) => module.RuleCreateForm))

type Direction = SecurityRuleView['direction']

const ruleDescriptor = (direction: Direction): ResourceDescriptor<SecurityRuleView> => ({
  kind: 'securityGroup',
  noun: 'Rule',
  plural: 'Rules',
  name: ruleSentence,
  icon: direction === 'ingress' ? <IconArrowDownLeft size={28} /> : <IconArrowUpRight size={28} />,
  columns: [
    {
      id: 'protocol',
      header: 'Protocol',
      width: 140,
      cell: (rule) => (
        <>
          {protocolText(rule.protocol)}{' '}
          <Text span size="xs" c="dimmed">
            {rule.ethertype}
          </Text>
        </>
      ),
    },
    { id: 'ports', header: 'Ports', width: 180, cell: portsText },
    {
      id: 'remote',
      header: direction === 'ingress' ? 'From' : 'To',
      cell: (rule) => <Remote rule={rule} />,
    },
    {
      id: 'description',
      header: 'Note',
      prose: true,
      hideBelow: 'sm',
      cell: (rule) => (
        <Text size="sm" c="dimmed">
          {rule.description || '–'}
        </Text>
      ),
    },
  ],
  empty:
    direction === 'ingress'
      ? { title: 'Nothing gets in', text: 'Add a rule for what should reach the instances, such as SSH.' }
      : { title: 'Nothing gets out', text: 'Instances with this group alone cannot reach anything.' },
})

/** Shows the other end of a rule, with a warning where that is everybody. */
function Remote({ rule }: { rule: SecurityRuleView }) {
  const warning = ruleWarning(rule)
  return (
    <Stack gap={2}>
      {rule.remoteGroup ? (
        <Anchor component={Link} href={paths.securityGroup(rule.remoteGroup.id)} size="sm">
          {remoteText(rule)}
        </Anchor>
      ) : (
        remoteText(rule)
      )}
      {warning && (
        <Group gap={4} wrap="nowrap" align="flex-start">
          <IconAlertTriangle
            size={14}
            color="var(--mantine-color-warn-text)"
            style={{ flexShrink: 0, marginTop: 2 }}
            aria-hidden
          />
          <Text size="xs">{warning}</Text>
        </Group>
      )}
    </Stack>
  )
}

export function GroupRules({ group }: { group: SecurityGroupView }) {
  const trpc = useTRPC()
  const may = useMay()
  const mine = useSession().project?.id === group.projectId
  const { get, set } = useUrlState()
  const adding = get('add')
  const remove = useMutation(trpc.networking.securityGroups.removeRule.mutationOptions())
  const erase: ResourceAction<SecurityRuleView> = {
    id: 'delete',
    label: 'Delete rule',
    icon: <IconTrash size={16} />,
    danger: true,
    allowed: () => may(mine),
    confirm: ([rule]) => ({
      title: 'Delete this rule?',
      body: (
        <Text size="sm">
          {rule ? ruleSentence(rule) : ''} It applies at once to everything that uses the group.
        </Text>
      ),
      confirmLabel: 'Delete',
    }),
    run: (rule) => remove.mutateAsync({ id: rule.id }),
    started: () => 'The hosts take the rule away',
    asCli: (rule) => ruleDeleteCli(rule.id),
  }
  const section = (direction: Direction, title: string, description: string) => (
    <Section
      title={title}
      description={description}
      action={
        <ReasonButton
          size="xs"
          variant={direction === 'ingress' ? 'filled' : 'default'}
          leftSection={<IconPlus size={14} />}
          allowed={may(mine)}
          onClick={() => set({ add: direction }, true)}
        >
          Add rule
        </ReasonButton>
      }
    >
      <RowsTable
        descriptor={ruleDescriptor(direction)}
        label={title}
        rows={group.rules.filter((rule) => rule.direction === direction)}
        actions={[erase]}
      />
    </Section>
  )
  return (
    <Stack gap="md">
      {section('ingress', 'Inbound rules', 'What may reach the instances. Everything else is dropped.')}
      {section('egress', 'Outbound rules', 'What the instances may reach. Answers always get through.')}
      <RuleCreateForm
        key={adding === 'egress' ? 'egress' : 'ingress'}
        group={group}
        direction={adding === 'egress' ? 'egress' : 'ingress'}
        opened={adding !== null}
        onClose={() => set({ add: null })}
      />
    </Stack>
  )
}
