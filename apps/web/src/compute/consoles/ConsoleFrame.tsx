'use client'
import { Button, Group, Kbd, Loader, Text } from '@mantine/core'
import { useFullscreenElement } from '@mantine/hooks'
import {
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconExternalLink,
  IconPlugConnected,
} from '@tabler/icons-react'
import { type ReactNode, useRef } from 'react'
import { Link } from '../../kit/navigation.tsx'
import { StateBadge, type Tone } from '../../kit/StateBadge.tsx'
import { Hint } from '../../ui/Hint.tsx'
import classes from './console.module.css'
import { leavesConsole } from './keystrokes.ts'
import type { ConsoleStatus } from './use-console.ts'

const looks: Record<ConsoleStatus['state'], { word: string; tone: Tone }> = {
  connecting: { word: 'Connecting', tone: 'busy' },
  open: { word: 'Connected', tone: 'good' },
  closed: { word: 'Not connected', tone: 'off' },
}

type Props = {
  title: string
  status: ConsoleStatus
  /** False while the instance offers no console: then the frame has no button to reconnect. */
  available: boolean
  onReconnect: () => void
  /**
   * The address of a window with this console alone; null or absent: the console is in that window already, or cannot
   * have one.
   */
  windowHref?: string | null
  tools: ReactNode
  children: ReactNode
}

/** The frame of both consoles: state, full screen, reconnect, and the reason why there is nothing to see. */
export function ConsoleFrame(props: Props) {
  const { title, status, available, onReconnect, windowHref, tools, children } = props
  const { ref, toggle, fullscreen } = useFullscreenElement()
  const button = useRef<HTMLButtonElement>(null)
  const { word, tone } = looks[status.state]
  return (
    <section
      ref={ref}
      className={classes.frame}
      aria-label={title}
      onKeyDownCapture={(event) => {
        if (!leavesConsole(event)) return
        event.preventDefault()
        event.stopPropagation()
        button.current?.focus()
        // The guest does not hear when these keys are released, so the screen releases all keys, as it does when the
        // window loses the focus.
        window.dispatchEvent(new Event('blur'))
      }}
    >
      <Group className={classes.bar} gap="xs" justify="space-between">
        <Group gap="xs">
          <div role="status">
            <StateBadge state={word} tone={tone} />
          </div>
          <Text size="xs" c="dimmed">
            Every key goes to the guest; <Kbd size="xs">Ctrl</Kbd>+<Kbd size="xs">Shift</Kbd>+
            <Kbd size="xs">X</Kbd> leads back here.
          </Text>
        </Group>
        <Group gap="xs">
          {tools}
          <Hint label="The right to look in is renewed">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlugConnected size={14} />}
              disabled={!available || status.state === 'connecting'}
              onClick={onReconnect}
            >
              Reconnect
            </Button>
          </Hint>
          {windowHref && (
            <Button
              size="xs"
              variant="default"
              component={Link}
              href={windowHref}
              target="_blank"
              leftSection={<IconExternalLink size={14} />}
            >
              Own window
            </Button>
          )}
          <Button
            ref={button}
            size="xs"
            variant="default"
            leftSection={fullscreen ? <IconArrowsMinimize size={14} /> : <IconArrowsMaximize size={14} />}
            onClick={() => void toggle()}
          >
            {fullscreen ? 'Leave full screen' : 'Full screen'}
          </Button>
        </Group>
      </Group>
      <div className={classes.screen}>
        {children}
        <Cover status={status} available={available} onReconnect={onReconnect} />
      </div>
    </section>
  )
}

/** Covers the console with the reason why there is nothing to see; shows nothing while the console is open. */
function Cover({ status, available, onReconnect }: Pick<Props, 'status' | 'available' | 'onReconnect'>) {
  if (status.state === 'open') return null
  return (
    <div className={classes.cover} role="status">
      {status.state === 'connecting' ? (
        <>
          <Loader size="sm" color="gray" aria-hidden />
          <Text size="sm">Connecting …</Text>
        </>
      ) : (
        <div className={classes.reason}>
          <Text size="sm">{status.why}</Text>
          {status.retrying ? (
            <Text size="xs">{status.retrying}</Text>
          ) : (
            available && (
              <Button size="xs" onClick={onReconnect}>
                Reconnect
              </Button>
            )
          )}
        </div>
      )}
    </div>
  )
}
