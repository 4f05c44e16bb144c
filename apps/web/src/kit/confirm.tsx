'use client'
import { useSyncExternalStore } from 'react'
import type { ActionQuestion } from './descriptor.ts'
import { lazyPanel } from './lazy-panel.tsx'

/** `names`: of all that it is about, when they are several. */
export type Question = ActionQuestion & { danger?: boolean; names?: string[] }
export type Answer = { yes: boolean; ticked: boolean }
export type Asked = Question & { answer: (answer: Answer) => void }

let asked: Asked | null = null
const listeners = new Set<() => void>()
function show(next: Asked | null): void {
  asked = next
  for (const listener of listeners) listener()
}

/** Asks in a modal. Resolves to what the person chose, and whether the box was ticked; closing it is a no. */
export function askWithOption(question: Question): Promise<Answer> {
  asked?.answer({ yes: false, ticked: false })
  return new Promise((resolve) => {
    show({
      ...question,
      answer: (answer) => {
        show(null)
        resolve(answer)
      },
    })
  })
}

export const confirm = async (question: Omit<Question, 'option'>): Promise<boolean> =>
  (await askWithOption(question)).yes

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
