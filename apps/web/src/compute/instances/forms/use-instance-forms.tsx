'use client'
import type { InstanceView } from '@stratolith/api/compute/contract'
import { type ComponentType, type ReactNode, useState } from 'react'
import { lazyPanel } from '../../../kit/lazy-panel.tsx'

export type InstanceFormProps = { view: InstanceView; opened: boolean; onClose: () => void }

const forms = {
  edit: lazyPanel<InstanceFormProps>(() => import('./InstanceEditForm.tsx').then((m) => m.InstanceEditForm)),
  lock: lazyPanel<InstanceFormProps>(() => import('./LockForm.tsx').then((m) => m.LockForm)),
  reset: lazyPanel<InstanceFormProps>(() => import('./ResetStateForm.tsx').then((m) => m.ResetStateForm)),
  floatingIp: lazyPanel<InstanceFormProps>(() =>
    import('./FloatingIpForm.tsx').then((m) => m.FloatingIpForm),
  ),
} satisfies Record<string, ComponentType<InstanceFormProps>>
export type InstanceForm = keyof typeof forms

/**
 * The forms that actions on an instance open. `open` opens one from anywhere on the page; `panels` is the place where
 * they appear.
 */
export function useInstanceForms(): {
  open: (form: InstanceForm, view: InstanceView) => void
  panels: ReactNode
} {
  const [asked, setAsked] = useState<{ form: InstanceForm; view: InstanceView } | null>(null)
  const Form = asked && forms[asked.form]
  return {
    open: (form, view) => setAsked({ form, view }),
    panels: Form && <Form key={asked.view.id} view={asked.view} opened onClose={() => setAsked(null)} />,
  }
}
