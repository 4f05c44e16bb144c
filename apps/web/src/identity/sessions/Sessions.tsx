'use client'
import { Badge, Button, Group, Text } from '@mantine/core'
import type { SessionList, SessionRow } from '@stratolith/api/identity/contract'
import { IconDeviceDesktop, IconLogout } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ago } from '../../kit/Ago.tsx'
import { confirm } from '../../kit/confirm.tsx'
import type { ResourceAction, ResourceDescriptor } from '../../kit/descriptor.ts'
import { Loaded } from '../../kit/Loaded.tsx'
import { notify } from '../../kit/notify.ts'
import { RowsTable } from '../../kit/RowsTable.tsx'
import { useManage } from '../../kit/rights.ts'
import { useSession } from '../../kit/session.ts'
import { expectEnd, leave } from '../../kit/session-end.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { ReasonButton } from '../../ui/ReasonButton.tsx'
import { Section } from '../../ui/Section.tsx'
import { programOf } from './program.ts'

const ways: Record<SessionRow['via'], string> = {
  password: 'Password',
  application_credential: 'Application credential',
  trust: 'Trust',
  ec2: 'EC2 credential',
  oauth1: 'Program (OAuth)',
}

const descriptor: ResourceDescriptor<SessionRow> = {
  kind: 'session',
  noun: 'Session',
  plural: 'Sessions',
  name: (view) => `the session in ${view.scope}`,
  icon: <IconDeviceDesktop size={28} />,
  columns: [
    {
      id: 'program',
      header: 'From',
      cell: (view) => (
        <div>
          <Group gap={6}>
            <Text size="sm" fw={600}>
              {programOf(view.userAgent)}
            </Text>
            {view.current && (
              <Badge size="sm" variant="light" tt="none">
                this one
              </Badge>
            )}
          </Group>
          {view.source && (
            <Text size="xs" c="dimmed">
              {view.source}
            </Text>
          )}
        </div>
      ),
    },
    { id: 'scope', header: 'Scope', cell: (view) => view.scope },
    {
      id: 'via',
      header: 'Signed in by',
      hideBelow: 'sm',
      cell: (view) =>
        view.methods.includes('totp') && view.via === 'password' ? 'Password and code' : ways[view.via],
    },
    { id: 'tokens', header: 'Tokens', hideBelow: 'md', cell: (view) => view.tokens },
    { id: 'issuedAt', header: 'Since', cell: (view) => <Ago iso={view.issuedAt} /> },
    { id: 'expiresAt', header: 'Ends', cell: (view) => <Ago iso={view.expiresAt} /> },
  ],
  empty: { title: 'No session', text: 'Nobody is signed in, and no program holds a token.' },
}

/** Runs a request that ends the caller's own session, and leaves to the sign-in page. */
async function signOutBy(end: () => Promise<unknown>): Promise<void> {
  expectEnd('signed-out')
  try {
    await end()
    leave('signed-out')
  } catch (error) {
    expectEnd(null)
    throw error
  }
}

/** Valid sign-ins: of `user`, for an administrator, or the reader's own. */
export function Sessions({ user }: { user?: { id: string; name: string; domainId: string } }) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const manage = useManage()
  const userId = user?.id
  const self = useSession().userId
  const query = useQuery({ ...trpc.identity.sessions.list.queryOptions({ userId }), staleTime: 0 })
  const revoke = useMutation(trpc.identity.sessions.revoke.mutationOptions())
  const revokeAll = useMutation(trpc.identity.sessions.revokeAll.mutationOptions())
  const may = user ? manage(user.domainId) : (true as const)
  const end: ResourceAction<SessionRow> = {
    id: 'revoke',
    label: 'End',
    icon: <IconLogout size={16} />,
    danger: true,
    allowed: () => may,
    confirm: ([one]) => ({
      title: one?.current ? 'End this session?' : 'End the session?',
      body: one?.current
        ? 'It is the one that you are in: you will be asked to sign in again.'
        : 'It and every token made from it end at once.',
      confirmLabel: 'End it',
    }),
    run: async ({ id, current }) => {
      if (!current) return void (await revoke.mutateAsync({ id, userId }))
      await signOutBy(() => revoke.mutateAsync({ id, userId }))
    },
    started: () => 'The session has ended',
  }
  const endAll = async () => {
    const yes = await confirm({
      title: user ? `Sign ${user.name} out everywhere?` : 'Sign out everywhere?',
      body: user
        ? 'Every session and token ends at once: browsers, command lines, programs.'
        : 'Every session and token of yours ends at once, this one included.',
      confirmLabel: 'Sign out everywhere',
      danger: true,
    })
    if (!yes) return
    try {
      if (!user || user.id === self) return await signOutBy(() => revokeAll.mutateAsync({ userId }))
      await revokeAll.mutateAsync({ userId })
      invalidateKind(client, 'session')
      notify.done(`${user.name} is signed out everywhere`)
    } catch (error) {
      notify.failed(error)
    }
  }
  return (
    <Section
      title={user ? 'Sessions and tokens' : 'Sessions'}
      description="Browsers, command lines and programs that are signed in now."
      action={
        user ? (
          <ReasonButton size="xs" variant="default" allowed={may} onClick={() => void endAll()}>
            End all
          </ReasonButton>
        ) : (
          <Button size="xs" variant="default" onClick={() => void endAll()}>
            Sign out everywhere
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {({ items, truncated }: SessionList) => (
          <>
            <RowsTable descriptor={descriptor} rows={items} actions={[end]} />
            {truncated && (
              <Text size="sm" c="dimmed" mt="xs">
                There are older ones, too; ending all of them ends those as well.
              </Text>
            )}
          </>
        )}
      </Loaded>
    </Section>
  )
}
