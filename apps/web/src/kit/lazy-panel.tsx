'use client'
import { type ComponentType, useState } from 'react'
import { lazyPart } from './lazy-part.tsx'
import { useReturnFocus } from './return-focus.ts'

/**
 * A panel, form or dialog whose code is loaded when it opens for the first time, so that a page loads no more than
 * itself at first. When it closes, the focus goes back to the element that opened it. When its code does not arrive, it
 * closes, and loads anew when it is opened again: `const CreateForm = lazyPanel(() => import('./CreateForm.tsx').then((m)
 * => m.CreateForm))`.
 */
export function lazyPanel<P extends { opened: boolean; onClose: () => void }>(
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  const Panel = lazyPart<P>(load)
  return function LazyPanel(props: P) {
    useReturnFocus(props.opened)
    const [wanted, setWanted] = useState(props.opened)
    const [isMissing, setMissing] = useState(false)
    if (props.opened && !wanted) setWanted(true)
    if (!props.opened && isMissing) {
      setMissing(false)
      setWanted(false)
    }
    const onMissing = () => {
      setMissing(true)
      props.onClose()
    }
    return wanted && !isMissing ? <Panel {...props} onMissing={onMissing} /> : null
  }
}
