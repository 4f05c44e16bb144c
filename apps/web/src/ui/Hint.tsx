'use client'
import {
  cloneElement,
  type FocusEvent,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
  useState,
} from 'react'
import { lazyPart } from '../kit/lazy-part.tsx'

type Target = {
  onMouseEnter?: (event: MouseEvent<HTMLElement>) => void
  onMouseLeave?: (event: MouseEvent<HTMLElement>) => void
  onFocus?: (event: FocusEvent<HTMLElement>) => void
  onBlur?: (event: FocusEvent<HTMLElement>) => void
}
const HintBubble = lazyPart(() => import('./HintBubble.tsx').then((module) => module.HintBubble), {
  quiet: true,
})

/**
 * A tooltip for one element, on hover and on focus (a tap focuses). Its code is loaded when somebody looks at a hint
 * for the first time. Without a label there is no hint.
 */
export function Hint({ label, children }: { label: ReactNode; children: ReactElement<Target> }) {
  const [target, setTarget] = useState<HTMLElement | null>(null)
  const [opened, setOpened] = useState(false)
  if (!label) return children
  const { props } = children
  const show = (element: HTMLElement) => {
    setTarget(element)
    setOpened(true)
  }
  return (
    <>
      {cloneElement(children, {
        onMouseEnter: (event: MouseEvent<HTMLElement>) => {
          props.onMouseEnter?.(event)
          show(event.currentTarget)
        },
        onMouseLeave: (event: MouseEvent<HTMLElement>) => {
          props.onMouseLeave?.(event)
          setOpened(false)
        },
        onFocus: (event: FocusEvent<HTMLElement>) => {
          props.onFocus?.(event)
          show(event.currentTarget)
        },
        onBlur: (event: FocusEvent<HTMLElement>) => {
          props.onBlur?.(event)
          setOpened(false)
        },
      })}
      {target && (
        <HintBubble target={target} opened={opened} label={label} onMissing={() => setTarget(null)} />
      )}
    </>
  )
}
