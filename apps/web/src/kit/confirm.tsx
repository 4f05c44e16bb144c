'use client'
import { useSyncExternalStore } from 'react'
import type { ActionQuestion } from './descriptor.ts'
import { lazyPanel } from './lazy-panel.tsx'

/**
 * `names`: the names of all things that the action concerns, if there are several. `left`: the selected things that the action
 * leaves out, each with the reason.
 */
export type Question = ActionQuestion & { danger?: boolean; names?: string[]; left?: string[] }
export type Answer = { yes: boolean; ticked: boolean }
export type Asked = Question & { answer: (answer: Answer) => void }

let asked: Asked | null = null
const listeners = new Set<() => void>()
function show(next: Asked | null): void {
  asked = next
  for (const listener of listeners) listener()
}

/** Asks in a modal. Resolves to the person's answer and whether the checkbox was ticked; closing the modal means no. */
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

const ConfirmDialog = lazyPanel<{ opened: boolean; onClose: () => void; question: Asked | null }>(() =>
  import('./ConfirmDialog.tsx').then((module) => module.ConfirmDialog),
)

/** The place where questions appear; the shell has exactly one. */
export function ConfirmHost() {
  const question = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => asked,
    () => null,
  )
  return (
    <ConfirmDialog
      opened={question !== null}
      onClose={() => question?.answer({ yes: false, ticked: false })}
      question={question}
    />
  )
}
