'use client'
import type { SnapshotView } from '@stratolith/api/volumes/snapshots/contract'
import { type ReactNode, useState } from 'react'
import { lazyPanel } from '../../kit/lazy-panel.tsx'
import type { SnapshotForm } from './snapshot-actions.tsx'

const SnapshotEditForm = lazyPanel(() =>
  import('./SnapshotForms.tsx').then((module) => module.SnapshotEditForm),
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
  const shared = { opened: true, onClose: () => setAsked(null) }
  return {
    open: (form, snapshot) => setAsked({ form, snapshot }),
    panels:
      asked &&
      (asked.form === 'edit' ? (
        <SnapshotEditForm key={asked.snapshot.id} snapshot={asked.snapshot} {...shared} />
      ) : (
        <VolumeCreateForm
          key={asked.snapshot.id}
          source={{ from: 'snapshot', view: asked.snapshot }}
          {...shared}
        />
      )),
  }
}
