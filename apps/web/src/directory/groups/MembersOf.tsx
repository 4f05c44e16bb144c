'use client'
import { Group } from '@mantine/core'
import type { GroupView } from '@stratolith/api/directory/users/contract'
import { IconUserMinus, IconUserPlus } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from '../../kit/errors.ts'
import { notify } from '../../kit/notify.ts'
import { ResourceTable } from '../../kit/ResourceTable.tsx'
import { all, useManage } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { UserPick } from '../pickers.tsx'
import { userDescriptor } from '../users/descriptor.tsx'

/** The members of a group. */
export function MembersOf({ group }: { group: GroupView }) {
  const trpc = useTRPC()
  const manage = useManage()
  const remove = useMutation(trpc.directory.groups.removeMember.mutationOptions())
  const empty = {
    title: 'Nobody is in it',
    text: 'Choose a user and add them. New members have every role of the group at once.',
  }
  return (
    <ResourceTable
      descriptor={{ ...userDescriptor, plural: 'Members', empty }}
      query={(page) => trpc.directory.users.list.queryOptions({ ...page, groupId: group.id })}
      actions={[
        {
          id: 'remove',
          label: 'Take out of the group',
          icon: <IconUserMinus size={16} />,
          danger: true,
          bulk: true,
          allowed: () => manage(group.domainId),
          confirm: (views) => ({
            title:
              views.length === 1
                ? `Take ${views[0]?.name} out of ${group.name}?`
                : `Take ${views.length} users out of ${group.name}?`,
            body: 'Rights that come from this group alone end at once.',
            confirmLabel: 'Take out',
          }),
          run: ({ id }) => remove.mutateAsync({ groupId: group.id, userId: id }),
          started: (views) =>
            views.length === 1 ? `${views[0]?.name} is out` : `${views.length} users are out`,
          asCli: ({ id }) => shellLine('openstack', 'group', 'remove', 'user', group.id, id),
        },
      ]}
      toolbar={<AddMember group={group} />}
    />
  )
}

function AddMember({ group }: { group: GroupView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const manage = useManage()
  const [chosen, setChosen] = useState<string | null>(null)
  const [added, setAdded] = useState(0)
  const add = useMutation(
    trpc.directory.groups.addMember.mutationOptions({
      onSuccess() {
        setChosen(null)
        setAdded((count) => count + 1)
        invalidateKind(client, 'group')
        notify.done('Added')
      },
    }),
  )
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap">
      <UserPick
        key={added}
        label={null}
        aria-label="User to add"
        placeholder="User to add"
        value={chosen}
        onChange={setChosen}
        error={add.error ? cloudError(add.error).message : null}
      />
      <ReasonButton
        variant="default"
        leftSection={<IconUserPlus size={16} />}
        loading={add.isPending}
        allowed={all(manage(group.domainId), chosen !== null || 'Choose a user first.')}
        onClick={() => chosen && add.mutate({ groupId: group.id, userId: chosen })}
      >
        Add
      </ReasonButton>
    </Group>
  )
}
