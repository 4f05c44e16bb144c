'use client'
import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import type { ReactNode } from 'react'
import { UploadTray } from '../images/UploadTray.tsx'
import { CloudProvider } from '../kit/CloudProvider.tsx'
import { installClipboard } from '../kit/clipboard.ts'
import { LiveProvider } from '../kit/live.tsx'
import { type Session, SessionContext } from '../kit/session.ts'
import { Shell } from './Shell.tsx'

installClipboard()

/** All that the pages inside of the shell stand on. */
export function Portal({ session, children }: { session: Session; children: ReactNode }) {
  return (
    <SessionContext value={session}>
      <CloudProvider projectId={session.project?.id ?? null}>
        <LiveProvider>
          <ModalsProvider>
            <Notifications position="bottom-right" limit={4} />
            <Shell>{children}</Shell>
            <UploadTray />
          </ModalsProvider>
        </LiveProvider>
      </CloudProvider>
    </SessionContext>
  )
}
