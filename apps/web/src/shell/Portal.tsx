'use client'
import { type ReactNode, useEffect, useLayoutEffect } from 'react'
import { visited } from '../identity/own-projects.ts'
import { CloudProvider } from '../kit/CloudProvider.tsx'
import { installClipboard } from '../kit/clipboard.ts'
import { ConfirmHost } from '../kit/confirm.tsx'
import { densityOf, showDensity } from '../kit/density.ts'
import { lazyPart } from '../kit/lazy-part.tsx'
import { LiveProvider } from '../kit/live.tsx'
import { forgetOwn } from '../kit/own-storage.ts'
import { type Session, SessionContext } from '../kit/session.ts'
import { hearSignOut } from '../kit/session-end.ts'
import { RenderedAt } from '../kit/use-now.ts'
import { OperationToasts } from '../operations/OperationToasts.tsx'
import { Shell } from './Shell.tsx'

installClipboard()

// Both are loaded after the page, because they show nothing before somebody does something.
const Toasts = lazyPart(() => import('./Toasts.tsx').then((module) => module.Toasts), {
  browserOnly: true,
  quiet: true,
})
const UploadTray = lazyPart(() => import('../images/UploadTray.tsx').then((module) => module.UploadTray), {
  browserOnly: true,
  quiet: true,
})

/** The providers that all pages inside of the shell need. */
export function Portal({
  session,
  eventsAfter,
  renderedAt,
  children,
}: {
  session: Session
  /** The place in the event log before the page was made. */
  eventsAfter: string | null
  /** The server's time, in milliseconds. */
  renderedAt: number
  children: ReactNode
}) {
  const { userId } = session
  // Another person may have used this browser before, and may not have signed out.
  useEffect(() => {
    for (const store of [sessionStorage, localStorage]) forgetOwn(store, userId)
  }, [userId])
  useEffect(hearSignOut, [])
  useLayoutEffect(() => showDensity(densityOf(localStorage, userId)), [userId])
  const projectId = session.project?.id
  useEffect(() => {
    if (projectId) visited(localStorage, userId, projectId)
  }, [userId, projectId])
  return (
    <SessionContext value={session}>
      <CloudProvider place={session.place} userId={userId}>
        <RenderedAt value={renderedAt}>
          <LiveProvider after={eventsAfter}>
            <Shell>{children}</Shell>
            <ConfirmHost />
            <Toasts />
            <OperationToasts />
            <UploadTray />
          </LiveProvider>
        </RenderedAt>
      </CloudProvider>
    </SessionContext>
  )
}
