'use client'
import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Sessions } from '../identity/sessions/Sessions.tsx'
import { Ago } from '../kit/Ago.tsx'
import { lazyPart } from '../kit/lazy-part.tsx'
import { placeName } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { useUrlState } from '../kit/url-state.ts'
import { Facts } from '../ui/Fact.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { Section } from '../ui/Section.tsx'

const PasswordPanel = lazyPart(() => import('./PasswordPanel.tsx').then((module) => module.PasswordPanel))
const SecondFactorPanel = lazyPart(() =>
  import('./SecondFactorPanel.tsx').then((module) => module.SecondFactorPanel),
)
const ApplicationCredentials = lazyPart(() =>
  import('./ApplicationCredentials.tsx').then((module) => module.ApplicationCredentials),
)

const tabs = [
  { id: 'account', label: 'Account', content: <Account /> },
  { id: 'password', label: 'Password', content: <PasswordPanel /> },
  { id: 'codes', label: 'Second factor', content: <SecondFactorPanel /> },
  { id: 'sessions', label: 'Sessions', content: <Sessions /> },
  { id: 'credentials', label: 'Application credentials', content: <ApplicationCredentials /> },
]

/** The person's own account: how they sign in, where they are signed in, and which programs act in their name. */
export function ProfilePage() {
  const { get, set } = useUrlState()
  const { userName } = useSession()
  const asked = get('tab')
  const tab = tabs.some(({ id }) => id === asked) ? asked : 'account'
  return (
    <>
      <PageHeader title="Profile" description={userName} />
      <Tabs value={tab} onChange={(id) => set({ tab: id === 'account' ? null : id })} keepMounted={false}>
        <Tabs.List>
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ id, content }) => (
          <Tabs.Panel key={id} value={id} pt="md">
            {content}
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}

function Account() {
  const trpc = useTRPC()
  const session = useSession()
  const factor = useQuery(trpc.identity.secondFactor.get.queryOptions())
  return (
    <Section title="Account">
      <Facts
        items={[
          { label: 'User name', value: session.userName },
          { label: 'User ID', value: session.userId, copy: session.userId },
          { label: 'Domain', value: session.userDomain.name },
          { label: 'Scope', value: placeName(session) },
          { label: 'Roles there', value: session.roles.join(', ') || 'none' },
          { label: 'Session ends', value: <Ago iso={session.expiresAt} /> },
          {
            label: 'Password expires',
            value: session.passwordExpiresAt ? <Ago iso={session.passwordExpiresAt} /> : 'never',
          },
          {
            label: 'Second factor',
            value: factor.data ? (factor.data.enabled ? 'on' : 'off') : '…',
          },
        ]}
      />
    </Section>
  )
}
