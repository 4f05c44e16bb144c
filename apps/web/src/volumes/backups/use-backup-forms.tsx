'use client'
import type { BackupView } from '@stratolith/api/volumes/backups/contract'
import { type ReactNode, useState } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import type { BackupForm } from './backup-actions.tsx'

const BackupEditForm = lazyPanel(() => import('./BackupForms.tsx').then((module) => module.BackupEditForm))
const RestoreForm = lazyPanel(() => import('./RestoreForm.tsx').then((module) => module.RestoreForm))
const VolumeCreateForm = lazyPanel(() =>
  import('../VolumeCreateForm.tsx').then((module) => module.VolumeCreateForm),
)

/** The forms of actions on a backup: `open` opens one, `panels` is the place where they appear. */
export function useBackupForms(): {
  open: (form: BackupForm, backup: BackupView) => void
  panels: ReactNode
} {
  const [asked, setAsked] = useState<{ form: BackupForm; backup: BackupView } | null>(null)
  return {
    open: (form, backup) => setAsked({ form, backup }),
    panels: asked && <Panel key={asked.backup.id} {...asked} onClose={() => setAsked(null)} />,
  }
}

function Panel({ form, backup, onClose }: { form: BackupForm; backup: BackupView; onClose: () => void }) {
  if (form === 'edit') return <BackupEditForm backup={backup} opened onClose={onClose} />
  if (form === 'restore') return <RestoreForm backup={backup} opened onClose={onClose} />
  return <VolumeCreateForm source={{ from: 'backup', view: backup }} opened onClose={onClose} />
}
