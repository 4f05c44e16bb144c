'use client'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { type ReactNode, useState } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import type { SnapshotForm } from './snapshot-actions.tsx'

const SnapshotEditForm = lazyPanel(() =>
  import('./SnapshotForms.tsx').then((module) => module.SnapshotEditForm),
)
const SnapshotBackupForm = lazyPanel(() =>
  import('../backups/BackupForms.tsx').then((module) => module.SnapshotBackupForm),
)
const VolumeCreateForm = lazyPanel(() =>
  import('../VolumeCreateForm.tsx').then((module) => module.VolumeCreateForm),
)

/** The forms of actions on a snapshot: `open` opens one, `panels` is the place where they appear. */
export function useSnapshotForms(): {
  open: (form: SnapshotForm, snapshot: SnapshotView) => void
  panels: ReactNode
} {
  const [asked, setAsked] = useState<{ form: SnapshotForm; snapshot: SnapshotView } | null>(null)
  return {
    open: (form, snapshot) => setAsked({ form, snapshot }),
    panels: asked && <Panel key={asked.snapshot.id} {...asked} onClose={() => setAsked(null)} />,
  }
}

type Asked = { form: SnapshotForm; snapshot: SnapshotView; onClose: () => void }

function Panel({ form, snapshot, onClose }: Asked) {
  if (form === 'edit') return <SnapshotEditForm snapshot={snapshot} opened onClose={onClose} />
  if (form === 'backup') return <SnapshotBackupForm snapshot={snapshot} opened onClose={onClose} />
  return <VolumeCreateForm source={{ from: 'snapshot', view: snapshot }} opened onClose={onClose} />
}
