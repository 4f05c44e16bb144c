import '@mantine/spotlight/styles.css'
import '@mantine/dropzone/styles.css'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { standing } from '../../identity/server/current.ts'
import { BeforePaint } from '../../kit/BeforePaint.tsx'
import { eventPosition } from '../../kit/first-read.tsx'
import { cloudPlace, ownPath, paths } from '../../kit/paths.ts'
import { NoAccess } from '../../shell/NoAccess.tsx'
import { Portal } from '../../shell/Portal.tsx'

type Props = { children: ReactNode; params: Promise<{ place: string }> }

export default async function PortalLayout({ children, params }: Props) {
  const { place } = await params
  const asked = await headers()
  const path = asked.get('x-portal-path') ?? paths.overview
  const [found, from] = await Promise.all([standing(place), eventPosition()])
  if (found === null) redirect(`${paths.signIn}?${new URLSearchParams({ from: path, ended: 'ended' })}`)
  const { session, refused } = found
  // A person who sees the whole cloud gets the page of a thing of a foreign project there. A person who has only
  // projects gets no page of the cloud.
  const isThing = /[^/]+\/[^/]+/.test(ownPath(path.split('?')[0] ?? ''))
  if (refused && session.beyond && session.at === cloudPlace && isThing)
    redirect(`/${cloudPlace}${ownPath(path)}`)
  if (place === cloudPlace && session.at !== cloudPlace) redirect(`/${session.at}${ownPath(path)}`)
  return (
    <>
      <BeforePaint userId={session.userId} nonce={asked.get('x-nonce') ?? undefined} />
      <Portal key={session.place} session={session} eventsAfter={from} renderedAt={Date.now()}>
        {refused ? <NoAccess projectId={place} /> : children}
      </Portal>
    </>
  )
}
