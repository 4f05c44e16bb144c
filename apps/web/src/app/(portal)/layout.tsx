import '@mantine/spotlight/styles.css'
import '@mantine/dropzone/styles.css'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { currentSession } from '../../identity/server/current.ts'
import { paths } from '../../kit/paths.ts'
import { toSession } from '../../kit/place.ts'
import { Portal } from '../../shell/Portal.tsx'

export default async function PortalLayout({ children }: { children: ReactNode }) {
  const session = await currentSession()
  if (!session) {
    const from = (await headers()).get('x-portal-path') ?? paths.overview
    redirect(`${paths.signIn}?${new URLSearchParams({ from, ended: 'ended' })}`)
  }
  return <Portal session={toSession(session)}>{children}</Portal>
}
