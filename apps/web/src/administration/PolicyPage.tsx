'use client'
import {
  Alert,
  Badge,
  Code,
  Group,
  Input,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import type { ExplainView, RuleView } from '@stratolith/api/policy/contract'
import { IconCheck, IconShieldQuestion, IconX } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { DomainPick, ProjectPick, UserPick } from '../directory/pickers.tsx'
import type { ResourceDescriptor } from '../kit/descriptor.ts'
import { LoadError, Loaded } from '../kit/Loaded.tsx'
import { lazyPart } from '../kit/lazy-part.tsx'
import { RowsTable } from '../kit/RowsTable.tsx'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { Hint } from '../ui/Hint.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'
import { wordMeaning } from './rule-words.ts'

const ActionField = lazyPart(() => import('./ActionField.tsx').then((module) => module.ActionField))
type Where = 'project' | 'domain' | 'system'

/** Answers whether a user may do something, and by which rule; and lists all rules. */
export function PolicyPage() {
  const trpc = useTRPC()
  const rules = useQuery(trpc.policy.rules.queryOptions())
  return (
    <>
      <PageHeader
        title="Policy"
        description="Ask whether somebody may do something, and read the rule that decides, word by word."
      />
      <Stack gap="md">
        <Loaded query={rules}>
          {(all: RuleView[]) => (
            <>
              <Question rules={all} />
              <Rules rules={all} />
            </>
          )}
        </Loaded>
      </Stack>
    </>
  )
}

function Question({ rules }: { rules: RuleView[] }) {
  const trpc = useTRPC()
  const session = useSession()
  const { get, set } = useUrlState()
  const action = get('action') ?? ''
  const userId = get('user')
  const where: Where = get('where') === 'domain' ? 'domain' : get('where') === 'system' ? 'system' : 'project'
  // Without a project, the question is about the project of the session, as the field says.
  const placeId = get('place') ?? (where === 'project' && userId ? (session.project?.id ?? null) : null)
  const known = rules.some((rule) => rule.action === action)
  const ready = known && (where === 'system' || placeId !== null || (!userId && where === 'project'))
  const answer = useQuery({
    ...trpc.policy.explain.queryOptions({
      action,
      userId: userId ?? undefined,
      scope: scopeOf(where, placeId),
    }),
    enabled: ready,
    placeholderData: keepPreviousData,
    retry: false,
  })
  return (
    <Section title="May they?">
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
          <UserPick
            label="Who"
            placeholder={`${session.userName} (you)`}
            clearable
            value={userId}
            onChange={(value) => set({ user: value })}
          />
          <ActionField
            actions={rules.map((rule) => rule.action)}
            value={action}
            onChange={(value) => set({ action: value })}
            waiting={<TextInput disabled label="Does what" value={action} />}
          />
          <WhereFields where={where} placeId={placeId} />
        </SimpleGrid>
        {!ready && (
          <Text size="sm" c="dimmed">
            {known ? `Choose a ${where}.` : 'Choose what they would do: the answer appears here.'}
          </Text>
        )}
        {ready && answer.error && (
          <LoadError error={answer.error} retry={answer.refetch} busy={answer.isFetching} />
        )}
        {ready && answer.data && <Answer answer={answer.data} />}
      </Stack>
    </Section>
  )
}

function scopeOf(where: Where, placeId: string | null) {
  if (where === 'system') return { system: true as const }
  if (placeId === null) return undefined
  return where === 'domain' ? { domainId: placeId } : { projectId: placeId }
}

function WhereFields({ where, placeId }: { where: Where; placeId: string | null }) {
  const session = useSession()
  const { get, set } = useUrlState()
  return (
    <>
      <Input.Wrapper label="Where" labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label="Where"
          value={where}
          data={[
            { value: 'project', label: 'Project' },
            { value: 'domain', label: 'Domain' },
            { value: 'system', label: 'Whole cloud' },
          ]}
          onChange={(value) => set({ where: value, place: null })}
        />
      </Input.Wrapper>
      {where === 'project' && (
        <ProjectPick
          key="project"
          label="Which project"
          placeholder={session.project ? `${session.project.name} (this one)` : 'Type a name'}
          clearable
          value={get('place')}
          onChange={(value) => set({ place: value })}
        />
      )}
      {where === 'domain' && (
        <DomainPick
          key="domain"
          label="Which domain"
          clearable
          value={placeId}
          onChange={(value) => set({ place: value })}
        />
      )}
    </>
  )
}

function Answer({ answer }: { answer: ExplainView }) {
  const { allowed, clauses, roles, scope, user } = answer
  return (
    <Stack gap="sm" role="status">
      <Alert
        color={allowed ? 'good' : 'bad'}
        variant="light"
        icon={allowed ? <IconCheck /> : <IconX />}
        title={allowed ? 'Yes' : 'No'}
      >
        {answer.reason}
      </Alert>
      <Text size="sm">
        {user.name} has{' '}
        {roles.length === 0 ? 'no role' : `the ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ')}`}{' '}
        {scope.kind === 'none'
          ? 'here'
          : scope.kind === 'system'
            ? 'on the system'
            : `in ${scope.name ?? ''}`}
        .
      </Text>
      <Stack
        gap={6}
        component="ul"
        m={0}
        p={0}
        aria-label="The rule, clause by clause"
        style={{ listStyle: 'none' }}
      >
        {clauses.map((words, index) => {
          const holds = words.every((word) => word.holds)
          return (
            <Group key={words.map(({ word }) => word).join(' ')} gap={6} component="li">
              <Text size="sm" c="dimmed" w={24}>
                {index === 0 ? '' : 'or'}
              </Text>
              {holds ? (
                <IconCheck size={16} aria-label="holds" />
              ) : (
                <IconX size={16} aria-label="does not hold" />
              )}
              {words.map(({ word, holds: yes }, at) => (
                <Group key={word} gap={6}>
                  {at > 0 && (
                    <Text size="sm" c="dimmed">
                      and
                    </Text>
                  )}
                  <Hint label={wordMeaning(word)}>
                    <Badge
                      variant={yes ? 'light' : 'default'}
                      color={yes ? 'good' : undefined}
                      tt="none"
                      radius="sm"
                      tabIndex={0}
                      leftSection={yes ? <IconCheck size={12} /> : <IconX size={12} />}
                    >
                      {word}
                    </Badge>
                  </Hint>
                </Group>
              ))}
            </Group>
          )
        })}
      </Stack>
      <Text size="xs" c="dimmed">
        {answer.source === 'default'
          ? 'The rule is the one that the cloud came with. Put another into policy.yaml to change it.'
          : 'The rule is from policy.yaml.'}
      </Text>
    </Stack>
  )
}

type Row = RuleView & { id: string }
const descriptor: ResourceDescriptor<Row> = {
  kind: 'rule',
  noun: 'Rule',
  plural: 'Rules',
  name: ({ action }) => action,
  icon: <IconShieldQuestion size={28} />,
  columns: [
    {
      id: 'action',
      header: 'Action',
      cell: ({ action, source }) => (
        <Group gap={6}>
          <Text size="sm" fw={600}>
            {action}
          </Text>
          {source !== 'default' && (
            <Badge size="sm" variant="light" tt="none">
              policy.yaml
            </Badge>
          )}
        </Group>
      ),
    },
    { id: 'rule', header: 'Needs', cell: ({ rule }) => <Code style={{ whiteSpace: 'normal' }}>{rule}</Code> },
  ],
  empty: { title: 'No such rule', text: 'No action has that in its name.' },
}

function Rules({ rules }: { rules: RuleView[] }) {
  const { get, set } = useUrlState()
  const room = get('room') ?? 'compute'
  const rooms = [...new Set(rules.map(({ action }) => action.split(':')[0] ?? ''))]
  const rows = rules.filter(({ action }) => action.startsWith(`${room}:`))
  return (
    <Section title="All rules" description="“Ask about it” puts an action into the question above.">
      <Stack gap="sm">
        <Group gap={6} role="toolbar" aria-label="Room">
          {rooms.map((one) => (
            <Badge
              key={one}
              component="button"
              type="button"
              aria-pressed={one === room}
              variant={one === room ? 'filled' : 'default'}
              tt="none"
              style={{ cursor: 'pointer' }}
              onClick={() => set({ room: one })}
            >
              {one}
            </Badge>
          ))}
        </Group>
        <RowsTable
          descriptor={descriptor}
          rows={rows.map((rule) => ({ ...rule, id: rule.action }))}
          actions={[
            {
              id: 'ask',
              label: 'Ask about it',
              icon: <IconShieldQuestion size={16} />,
              allowed: () => true,
              open: ({ action }) => {
                set({ action })
                window.scrollTo({ top: 0 })
              },
            },
          ]}
        />
      </Stack>
    </Section>
  )
}
