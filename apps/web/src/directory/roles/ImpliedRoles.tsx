'use client'
import { Button, Group, Text } from '@mantine/core'
import type { RoleView } from '@stratolith/api/directory/roles/contract'
import { IconUserMinus, IconUserShield } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from '../../kit/errors.ts'
import { notify } from '../../kit/notify.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useAdminOnly } from '../../kit/rights.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { Section } from '../../ui/Section.tsx'
import { RolePick } from '../pickers.tsx'

type Implied = RoleView['implies'][number]

/** The roles that every user with this role has, too. */
export function ImpliedRoles({ role }: { role: RoleView }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const admin = useAdminOnly()
  const [chosen, setChosen] = useState<string | null>(null)
  const imply = useMutation(
    trpc.directory.roles.imply.mutationOptions({
      onSuccess() {
        setChosen(null)
        invalidateKind(client, 'role')
        notify.done('Done: it holds at once.')
      },
    }),
  )
  const unimply = useMutation(trpc.directory.roles.unimply.mutationOptions())
  return (
    <Section
      title="Implies"
      description="Everybody with this role has these roles, too, and the roles that they imply."
    >
      <RowsTable<Implied>
        descriptor={{
          kind: 'role',
          noun: 'Implied role',
          plural: 'Implied roles',
          name: ({ name }) => name,
          icon: <IconUserShield size={28} />,
          columns: [{ id: 'name', header: 'Role', cell: ({ name }) => name }],
          empty: { title: '', text: '' },
        }}
        rows={role.implies}
        empty={
          <Text size="sm" c="dimmed">
            It implies no other role.
          </Text>
        }
        actions={[
          {
            id: 'remove',
            label: 'No longer imply',
            icon: <IconUserMinus size={16} />,
            danger: true,
            allowed: admin,
            confirm: ([one]) => ({
              title: `${role.name} no longer implies ${one?.name ?? ''}?`,
              body: 'Users who have the implied role through this role alone lose it at once.',
              confirmLabel: 'No longer imply',
            }),
            run: ({ id }) => unimply.mutateAsync({ priorRoleId: role.id, impliedRoleId: id }),
            asCli: ({ name }) =>
              shellLine('openstack', 'implied', 'role', 'delete', '--implied-role', name, role.name),
          },
        ]}
      />
      {admin() === true && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (chosen) imply.mutate({ priorRoleId: role.id, impliedRoleId: chosen })
          }}
        >
          <Group align="flex-end" gap="xs" mt="md">
            <RolePick
              key={role.implies.length}
              label="Another role"
              value={chosen}
              onChange={setChosen}
              error={imply.error ? cloudError(imply.error).message : null}
              style={{ flex: '0 1 260px' }}
            />
            <Button type="submit" variant="default" disabled={!chosen} loading={imply.isPending}>
              Imply
            </Button>
          </Group>
        </form>
      )}
    </Section>
  )
}
