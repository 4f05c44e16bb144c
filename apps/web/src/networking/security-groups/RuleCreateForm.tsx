'use client'
import { Alert, Chip, Group, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import type { SecurityGroupView } from '@stratolith/api/networking/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { ruleCreateCli } from '../cli.ts'
import { useSecurityGroups } from '../lookups.ts'
import { ruleSentence, ruleWarning } from '../rules.ts'
import {
  hasPorts,
  ownRange,
  presetKey,
  presetsOf,
  type RuleValues,
  ruleInitial,
  ruleInput,
  ruleProblems,
} from './rule-form.ts'

type Form = UseFormReturnType<RuleValues>

/** The form for one rule. A preset fills the fields, and a sentence below them says what the rule would do. */
export function RuleCreateForm({
  group,
  direction,
  opened,
  onClose,
}: {
  group: SecurityGroupView
  direction: RuleValues['direction']
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const { groups } = useSecurityGroups(group.projectId)
  const add = useMutation(trpc.networking.securityGroups.addRule.mutationOptions())
  const form = useForm<RuleValues>({
    initialValues: ruleInitial(direction, group.id),
    validate: ruleProblems,
    validateInputOnBlur: ['ports', 'protocolNumber'],
  })
  const nameOf = (id: string): string => groups.find((one) => one.id === id)?.name ?? id
  const cli = (values: RuleValues): string => {
    const { remoteGroupId, ...rule } = ruleInput(values)
    return ruleCreateCli(group.name, { ...rule, remoteGroup: remoteGroupId && nameOf(remoteGroupId) })
  }
  return (
    <SidePanelForm
      needs={{ projectId: group.projectId }}
      title={direction === 'ingress' ? 'Add inbound rule' : 'Add outbound rule'}
      opened={opened}
      onClose={onClose}
      form={form}
      onSubmit={async (values) => {
        await add.mutateAsync({ securityGroupId: group.id, ...ruleInput(values) })
        notify.started('The rule is on its way to the hosts')
      }}
      submitLabel="Add rule"
      asCli={cli}
    >
      <Presets form={form} groupId={group.id} />
      <ProtocolFields form={form} />
      <RemoteFields form={form} groups={groups.length > 0 ? groups : [group]} />
      <TextInput label="Note" maxLength={1000} {...form.getInputProps('description')} />
      <Meaning values={form.values} nameOf={nameOf} />
    </SidePanelForm>
  )
}

function Presets({ form, groupId }: { form: Form; groupId: string }) {
  const presets = presetsOf(groupId)
  const choose = (key: string) => {
    const preset = presets.find((one) => one.key === key)
    if (preset) form.setValues(preset.values)
    else form.setValues({ ports: '' })
  }
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500} id="rule-preset">
        What for
      </Text>
      <Chip.Group value={presetKey(form.values, groupId)} onChange={(key) => choose(String(key))}>
        <Group gap={6} role="radiogroup" aria-labelledby="rule-preset">
          {[...presets, { key: 'custom', label: 'Custom' }].map(({ key, label }) => (
            <Chip key={key} value={key} size="sm" data-autofocus={key === 'ssh' || undefined}>
              {label}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Stack>
  )
}

const protocols = [
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
  { value: 'icmp', label: 'ICMP (ping)' },
  { value: 'sctp', label: 'SCTP' },
  { value: 'any', label: 'Any' },
  { value: 'number', label: 'By number' },
]

function ProtocolFields({ form }: { form: Form }) {
  const { protocol } = form.values
  return (
    <Group grow align="flex-start">
      <Select label="Protocol" data={protocols} allowDeselect={false} {...form.getInputProps('protocol')} />
      {hasPorts(protocol) && (
        <TextInput
          label="Ports"
          placeholder="All"
          description="22 or 8000-8080"
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          autoComplete="off"
          {...form.getInputProps('ports')}
        />
      )}
      {protocol === 'number' && (
        <TextInput
          label="Number"
          placeholder="47"
          inputMode="numeric"
          {...form.getInputProps('protocolNumber')}
        />
      )}
    </Group>
  )
}

function RemoteFields({ form, groups }: { form: Form; groups: { id: string; name: string }[] }) {
  const { remote, direction } = form.values
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" fw={500} id="rule-remote">
          {direction === 'ingress' ? 'From' : 'To'}
        </Text>
        <MyAddress form={form} />
      </Group>
      <Group gap="xs">
        <SegmentedControl
          aria-labelledby="rule-remote"
          data={[
            { value: 'anywhere', label: 'Anywhere' },
            { value: 'range', label: 'Range' },
            { value: 'group', label: 'Group' },
          ]}
          {...form.getInputProps('remote')}
        />
        <SegmentedControl
          aria-label="Version of IP"
          data={['IPv4', 'IPv6']}
          {...form.getInputProps('ethertype')}
        />
      </Group>
      {remote === 'range' && (
        <TextInput
          aria-label="Range"
          placeholder={form.values.ethertype === 'IPv4' ? '203.0.113.0/24' : '2001:db8::/32'}
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('remoteCidr')}
        />
      )}
      {remote === 'group' && (
        <Select
          aria-label="Group"
          data={groups.map(({ id, name }) => ({ value: id, label: name }))}
          searchable
          allowDeselect={false}
          {...form.getInputProps('remoteGroupId')}
        />
      )}
    </Stack>
  )
}

/** Fills in the address from which the cloud sees this browser, as a range of this one address. */
function MyAddress({ form }: { form: Form }) {
  const trpc = useTRPC()
  const mine = useQuery(trpc.networking.myAddress.queryOptions())
  const range = mine.data ? ownRange(mine.data.address) : null
  return (
    <ReasonButton
      size="compact-xs"
      variant="light"
      allowed={range ? true : noAddress}
      onClick={() => range && form.setValues(range)}
    >
      My address
    </ReasonButton>
  )
}
const noAddress = 'The cloud sees no address of yours from which instances could be reached.'

/** Shows what the rule would do, and a warning, while the person fills the form. */
function Meaning({ values, nameOf }: { values: RuleValues; nameOf: (id: string) => string }) {
  if (Object.keys(ruleProblems(values)).length > 0) return null
  const { remoteGroupId, ...input } = ruleInput(values)
  const rule = {
    ...input,
    remoteGroup: remoteGroupId ? { id: remoteGroupId, name: nameOf(remoteGroupId) } : null,
  }
  const warning = ruleWarning(rule)
  return (
    <Stack gap="xs" aria-live="polite">
      <Text size="sm">{ruleSentence(rule)}</Text>
      {warning && (
        <Alert color="warn" variant="light" p="xs" icon={<IconAlertTriangle />}>
          {warning}
        </Alert>
      )}
    </Stack>
  )
}
