'use client'
import { Button, Group, Skeleton, Text } from '@mantine/core'
import { type ComponentType, lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { useInBrowser } from './in-browser.ts'
import { notify } from './notify.ts'
import { renewed } from './renewed.ts'

type Looks = {
  /** Stands in while the code loads. */
  waiting?: ReactNode
  /** Called when the code did not arrive. Without it the part says so in its place and offers to try again. */
  onMissing?: () => void
}
type Options = {
  waiting?: ReactNode
  /** The part is not drawn on the server. */
  browserOnly?: boolean
  /** The page is complete without the part: nothing is said when its code does not arrive. */
  quiet?: boolean
}

/**
 * A part of a page whose code is loaded when it is drawn for the first time. When the code does not arrive, for example
 * because the connection is gone for a moment, a toast says so, the page stays as it is, and the code is asked for again
 * when the part is opened again. `ahead` loads the code before it is needed.
 */
export function lazyPart<P extends object>(
  load: () => Promise<ComponentType<P>>,
  options: Options = {},
): ComponentType<P & Looks> & { ahead: () => void } {
  const holder = renewed(
    load,
    (loaded) =>
      lazy(async () => {
        const Part = await loaded()
        return {
          default: ({ given, onMissing }: { given: P; onMissing: () => void }) =>
            Part ? <Part {...given} /> : <Missing onMissing={onMissing} />,
        }
      }),
    (error) => {
      console.warn('a part of the portal did not arrive', error)
      if (!options.quiet) notify.partMissing()
    },
  )
  function LazyPart({ waiting = options.waiting ?? null, onMissing, ...given }: P & Looks) {
    const inBrowser = useInBrowser()
    const [Part, setPart] = useState(holder.current)
    const [isMissing, setMissing] = useState(false)
    const again = () => {
      setMissing(false)
      setPart(holder.current)
    }
    if (options.browserOnly && !inBrowser) return waiting
    if (isMissing) return options.quiet ? null : <Again onClick={again} />
    return (
      <Suspense fallback={waiting}>
        <Part given={given as unknown as P} onMissing={onMissing ?? (() => setMissing(true))} />
      </Suspense>
    )
  }
  // A failure is told when the part is opened, because nobody has asked for the part yet.
  const ahead = () => void load().catch(() => undefined)
  return Object.assign(LazyPart, { ahead })
}

/** The content of a tab that is not the first tab of its page: its code is loaded when the tab is opened. */
export const lazyTab = <P extends object>(load: () => Promise<ComponentType<P>>) =>
  lazyPart(load, { waiting: <Skeleton height={240} radius="md" role="status" aria-label="Loading" /> })

function Missing({ onMissing }: { onMissing: () => void }) {
  useEffect(onMissing, [onMissing])
  return null
}

function Again({ onClick }: { onClick: () => void }) {
  return (
    <Group gap="sm">
      <Text size="sm">This part of the portal did not arrive.</Text>
      <Button size="compact-sm" variant="default" onClick={onClick}>
        Try again
      </Button>
    </Group>
  )
}
