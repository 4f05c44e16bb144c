'use client'
import { type ReactNode, useSyncExternalStore } from 'react'
import { lazyPanel } from './lazy-panel.tsx'

type Question = { title: string; body: ReactNode; confirmLabel: string; danger?: boolean }
type Asked = Question & { answer: (yes: boolean) => void }

let asked: Asked | null = null
const listeners = new Set<() => void>()
function show(next: Asked | null): void {
  asked = next
  for (const listener of listeners) listener()
}

/** Asks in a modal. Resolves to what the person chose; closing it is a no. */
export function confirm(question: Question): Promise<boolean> {
  asked?.answer(false)
  return new Promise((resolve) => {
    show({
      ...question,
      answer: (yes) => {
        show(null)
        resolve(yes)
      },
    })
  })
}

const ConfirmDialog = lazyPanel<{ opened: boolean; question: Asked | null }>(() =>
  import('./ConfirmDialog.tsx').then((module) => module.ConfirmDialog),
)

/** Where questions appear; once in the shell. */
export function ConfirmHost() {
  const question = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => asked,
    () => null,
  )
  return <ConfirmDialog opened={question !== null} question={question} />
}
