'use client'
import { type ComponentType, lazy, Suspense, useState } from 'react'
import { useReturnFocus } from './return-focus.ts'

/**
 * A panel, form or dialog whose code is loaded when it opens for the first time, so that a page loads no more than
 * itself at first. When it closes, the focus goes back to the element that opened it: `const CreateForm = lazyPanel(()
 * => import('./CreateForm.tsx').then((m) => m.CreateForm))`.
 */
export function lazyPanel<P extends { opened: boolean }>(
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  const Panel: ComponentType<P> = lazy(async () => ({ default: await load() }))
  return function LazyPanel(props: P) {
    useReturnFocus(props.opened)
    const [wanted, setWanted] = useState(props.opened)
    if (props.opened && !wanted) setWanted(true)
    return wanted ? (
      <Suspense fallback={null}>
        <Panel {...props} />
      </Suspense>
    ) : null
  }
}
