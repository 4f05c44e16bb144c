'use client'
import type { VolumeView } from '@stratolith/api/volumes/contract'
import { type ComponentType, type ReactNode, useState } from 'react'
import { lazyPanel } from '../kit/lazy-panel.tsx'
import type { VolumeFormProps } from './VolumeForms.tsx'
import type { VolumeForm } from './volume-actions.tsx'

const forms = {
  edit: lazyPanel<VolumeFormProps>(() => import('./VolumeForms.tsx').then((m) => m.VolumeEditForm)),
  extend: lazyPanel<VolumeFormProps>(() => import('./VolumeForms.tsx').then((m) => m.VolumeExtendForm)),
  snapshot: lazyPanel<VolumeFormProps>(() =>
    import('./snapshots/SnapshotForms.tsx').then((m) => m.SnapshotTakeForm),
  ),
  backup: lazyPanel<VolumeFormProps>(() =>
    import('./backups/BackupForms.tsx').then((m) => m.VolumeBackupForm),
  ),
  copy: lazyPanel<VolumeFormProps>(() => import('./VolumeCreateForm.tsx').then((m) => m.VolumeCopyForm)),
  attach: lazyPanel<VolumeFormProps>(() => import('./VolumeAttachForm.tsx').then((m) => m.VolumeAttachForm)),
  retype: lazyPanel<VolumeFormProps>(() => import('./VolumePlaceForms.tsx').then((m) => m.VolumeRetypeForm)),
  move: lazyPanel<VolumeFormProps>(() => import('./VolumePlaceForms.tsx').then((m) => m.VolumeMoveForm)),
  transfer: lazyPanel<VolumeFormProps>(() =>
    import('./VolumeTransferForm.tsx').then((m) => m.VolumeTransferForm),
  ),
  image: lazyPanel<VolumeFormProps>(() =>
    import('./images/VolumeImageForm.tsx').then((m) => m.VolumeImageForm),
  ),
  reimage: lazyPanel<VolumeFormProps>(() => import('./images/ReimageForm.tsx').then((m) => m.ReimageForm)),
} satisfies Record<VolumeForm, ComponentType<VolumeFormProps>>

/** The forms of actions on a volume: `open` opens one, `panels` is the place where they appear. */
export function useVolumeForms(): {
  open: (form: VolumeForm, volume: VolumeView) => void
  panels: ReactNode
} {
  const [asked, setAsked] = useState<{ form: VolumeForm; volume: VolumeView } | null>(null)
  const Form = asked && forms[asked.form]
  return {
    open: (form, volume) => setAsked({ form, volume }),
    panels: Form && (
      <Form key={asked.volume.id} volume={asked.volume} opened onClose={() => setAsked(null)} />
    ),
  }
}
