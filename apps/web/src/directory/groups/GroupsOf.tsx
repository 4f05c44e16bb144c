'use client'
import { Group } from '@mantine/core'
import type { UserView } from '@stratolith/api/directory/users/contract'
import { IconUserMinus, IconUsersPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from '../../kit/errors.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { notify } from '../../kit/notify.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { all, useManage } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { GroupPick } from '../pickers.tsx'
import { groupDescriptor } from './descriptor.tsx'

/** The groups that a user is in. */
export function GroupsOf({ user }: { user: UserView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const manage = useManage()
  const [chosen, setChosen] = useState<string | null>(null)
  const query = useQuery(trpc.directory.groups.list.queryOptions({ userId: user.id, limit: 200 }))
  const remove = useMutation(trpc.directory.groups.removeMember.mutationOptions())
  const add = useMutation(
    trpc.directory.groups.addMember.mutationOptions({
      onSuccess() {
        setChosen(null)
        invalidateKind(client, 'group')
        notify.done('Added')
      },
    }),
  )
  return (
    <Section
      title="Groups"
      description="The user may do everything that these groups may do."
      action={
        <Group gap="xs" align="flex-start" wrap="nowrap">
          <GroupPick
            key={query.data?.total}
            size="xs"
            label={null}
            aria-label="Group to add the user to"
            placeholder="Group"
            value={chosen}
            onChange={setChosen}
            error={add.error ? cloudError(add.error).message : null}
          />
          <ReasonButton
            size="xs"
            leftSection={<IconUsersPlus size={14} />}
            loading={add.isPending}
            allowed={all(manage(null), chosen !== null || 'Choose a group first.')}
            onClick={() => chosen && add.mutate({ groupId: chosen, userId: user.id })}
          >
            Add
          </ReasonButton>
        </Group>
      }
    >
      <Loaded query={query}>
        {({ items }) => (
          <RowsTable
            descriptor={{
              ...groupDescriptor,
              empty: { title: 'In no group', text: 'Every member of a group has the roles of the group.' },
            }}
            rows={items}
            actions={[
              {
                id: 'leave',
                label: 'Take out of the group',
                icon: <IconUserMinus size={16} />,
                danger: true,
                allowed: (view) => manage(view.domainId),
                confirm: ([one]) => ({
                  title: `Take ${user.name} out of ${one?.name ?? ''}?`,
                  body: 'The user loses at once all rights that come from this group alone.',
                  confirmLabel: 'Take out',
                }),
                run: ({ id }) => remove.mutateAsync({ groupId: id, userId: user.id }),
                asCli: ({ id }) => shellLine('openstack', 'group', 'remove', 'user', id, user.id),
              },
            ]}
          />
        )}
      </Loaded>
    </Section>
  )
}
