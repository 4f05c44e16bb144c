'use client'
import { Checkbox, Input, SegmentedControl, Select } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { notify } from '../../kit/notify.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { DomainPick, GroupPick, ProjectPick, UserPick } from '../pickers.tsx'
import { grantWords } from './grant.ts'

export type GrantHolder = { kind: 'user' | 'group'; id: string; name: string; domainId: string }
export type GrantPlace = { kind: 'project' | 'domain' | 'system'; id: string; name: string; domainId: string }
type Values = {
  who: 'user' | 'group'
  holderId: string | null
  where: 'project' | 'domain' | 'system'
  placeId: string | null
  roleId: string | null
  inherited: boolean
}

/** `usual` is the role that is given when the user has chosen none. */
const inputOf = ({ who, holderId, where, placeId, roleId, inherited }: Values, usual: string | null) => ({
  roleId: roleId ?? usual ?? '',
  userId: who === 'user' ? (holderId ?? undefined) : undefined,
  groupId: who === 'group' ? (holderId ?? undefined) : undefined,
  projectId: where === 'project' ? (placeId ?? undefined) : undefined,
  domainId: where === 'domain' ? (placeId ?? undefined) : undefined,
  system: where === 'system' ? (true as const) : undefined,
  inherited: where !== 'system' && inherited,
})

/** Gives a role. The form does not ask for `holder` or `place` when the page has them already. */
export function GrantForm({
  holder,
  place,
  opened,
  onClose,
}: {
  holder?: GrantHolder
  place?: GrantPlace
  opened: boolean
  onClose: () => void
}) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { isAdmin } = useSession()
  const roles =
    useQuery(trpc.directory.roles.list.queryOptions({ limit: 500, sortDir: 'asc' })).data?.items ?? []
  const usual = roles.find(({ name }) => name === 'member')?.id ?? null
  const grant = useMutation(trpc.directory.assignments.grant.mutationOptions())
  const form = useForm<Values>({
    initialValues: {
      who: holder?.kind ?? 'user',
      holderId: holder?.id ?? null,
      where: place?.kind ?? 'project',
      placeId: place?.id ?? null,
      roleId: null,
      inherited: false,
    },
    validate: {
      holderId: (id, { who }) => (id ? null : `Choose a ${who}.`),
      placeId: (id, { where }) => (id || where === 'system' ? null : `Choose a ${where}.`),
    },
  })
  const { where } = form.values
  const roleName = (id: string | null) => roles.find((role) => role.id === id)?.name ?? 'member'
  return (
    <SidePanelForm
      needs={place?.kind === 'system' ? 'admin' : { domainId: place?.domainId ?? null }}
      title={place ? `Assign role in ${place.name}` : `Assign role to ${holder?.name ?? 'somebody'}`}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel="Assign"
      asCli={(values) =>
        shellLine('openstack', 'role', 'add', ...grantWords(inputOf(values, usual)), roleName(values.roleId))
      }
      onSubmit={async (values) => {
        await grant.mutateAsync(inputOf(values, usual))
        invalidateKind(client, 'user')
        notify.done(`Gave the role ${roleName(values.roleId)}`)
      }}
    >
      {!holder && <HolderFields form={form} />}
      {!place && <PlaceFields form={form} isAdmin={isAdmin} />}
      <Select
        label="Role"
        description="admin: everything; member: makes and changes; reader: only looks."
        data={roles.map(({ id, name }) => ({ value: id, label: name }))}
        allowDeselect={false}
        {...form.getInputProps('roleId')}
        value={form.values.roleId ?? usual}
      />
      {where !== 'system' && (
        <Checkbox
          label="For the projects below"
          description="The role holds in every project below, including future projects, but not in the place itself."
          {...form.getInputProps('inherited', { type: 'checkbox' })}
        />
      )}
    </SidePanelForm>
  )
}

type Form = UseFormReturnType<Values>

function HolderFields({ form }: { form: Form }) {
  const { who } = form.values
  return (
    <>
      <Choice
        label="To a"
        data={['user', 'group']}
        value={who}
        onChange={(value) => form.setValues({ who: value === 'group' ? 'group' : 'user', holderId: null })}
      />
      {who === 'user' ? (
        <UserPick key="user" required {...form.getInputProps('holderId')} />
      ) : (
        <GroupPick key="group" required {...form.getInputProps('holderId')} />
      )}
    </>
  )
}

function PlaceFields({ form, isAdmin }: { form: Form; isAdmin: boolean }) {
  const { where } = form.values
  return (
    <>
      <Choice
        label="In a"
        data={isAdmin ? ['project', 'domain', 'system'] : ['project', 'domain']}
        value={where}
        onChange={(value) =>
          form.setValues({
            where: value === 'domain' || value === 'system' ? value : 'project',
            placeId: null,
          })
        }
      />
      {where === 'project' && <ProjectPick key="project" required {...form.getInputProps('placeId')} />}
      {where === 'domain' && <DomainPick key="domain" required {...form.getInputProps('placeId')} />}
    </>
  )
}

function Choice({
  label,
  data,
  value,
  onChange,
}: {
  label: string
  data: string[]
  value: string
  onChange: (value: string) => void
}) {
  return (
    <Input.Wrapper label={label} labelElement="div">
      <SegmentedControl
        aria-label={label}
        fullWidth
        data={data.map((one) => ({
          value: one,
          label: one === 'system' ? 'Whole cloud' : one.charAt(0).toUpperCase() + one.slice(1),
        }))}
        value={value}
        onChange={onChange}
      />
    </Input.Wrapper>
  )
}
