'use client'
import { Alert, Button, CopyButton, Group, Stack, Switch, Text, VisuallyHidden } from '@mantine/core'
import { IconCopy, IconDownload, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { Ago } from '../../kit/Ago.tsx'
import { cloudError } from '../../kit/errors.ts'
import { LoadError } from '../../kit/Loaded.tsx'
import { fileNameOf, saveText } from '../../kit/save-file.ts'
import { useTRPC } from '../../kit/trpc.ts'
import classes from './console.module.css'
import { askAgainMs, awayEveryMs, isAway } from './log-away.ts'
import { plainText } from './plain-text.ts'

const tailLines = 5_000

const emptyText = ({ isPending, error }: { isPending: boolean; error: unknown }) =>
  isPending
    ? error
      ? 'The log cannot be read now.'
      : 'Loading …'
    : 'The guest has printed nothing on its serial port yet.'

export function ConsoleLog({ id, name, running }: { id: string; name: string; running: boolean }) {
  const trpc = useTRPC()
  const [follow, setFollow] = useState(true)
  const [wrap, setWrap] = useState(true)
  const box = useRef<HTMLPreElement>(null)
  const query = useQuery(
    trpc.compute.instances.consoleLog.queryOptions(
      { id, tailLines },
      // An error is shown at once, without silent retries; the page shows that the log is asked for again.
      { retry: false, refetchInterval: ({ state }) => askAgainMs(state.error, follow && running) },
    ),
  )
  const text = plainText(query.data?.text ?? '')
  // biome-ignore lint/correctness/useExhaustiveDependencies: new text is the reason to scroll
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [text, follow])
  if (query.error && !query.data && !isAway(query.error))
    return <LoadError error={query.error} retry={query.refetch} busy={query.isFetching} />
  const away = isAway(query.error)
  return (
    <Stack gap="xs">
      <VisuallyHidden role="status">{away && cloudError(query.error).message}</VisuallyHidden>
      {away && (
        <Away reason={cloudError(query.error).message} since={query.data ? query.dataUpdatedAt : null} />
      )}
      <Group justify="space-between" gap="xs">
        <Group gap="md">
          <Switch
            label="Follow"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />
          <Switch
            label="Wrap lines"
            checked={wrap}
            onChange={(event) => setWrap(event.currentTarget.checked)}
          />
        </Group>
        <Tools
          name={name}
          text={text}
          busy={query.isFetching && !follow}
          reload={() => void query.refetch()}
        />
      </Group>
      <pre
        ref={box}
        className={classes.log}
        data-wrap={wrap || undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label="Console log"
        aria-live="off"
      >
        {text || emptyText(query)}
      </pre>
      {query.data && query.data.offset > 0 && (
        <Text size="xs" c="dimmed">
          The last {tailLines.toLocaleString('en')} lines at most.
        </Text>
      )}
    </Stack>
  )
}

/** `since`: the time at which the shown log was read; null: no log is shown. */
function Away({ reason, since }: { reason: string; since: number | null }) {
  return (
    <Alert color="warn" variant="light" icon={<IconPlugConnectedX />} role="note" title={reason}>
      {since !== null ? (
        <>
          Below is what the guest had printed <Ago iso={new Date(since).toISOString()} />.
        </>
      ) : (
        'Its log is kept on that machine.'
      )}{' '}
      We ask again every {awayEveryMs / 1000} seconds.
    </Alert>
  )
}

function Tools({
  name,
  text,
  busy,
  reload,
}: {
  name: string
  text: string
  busy: boolean
  reload: () => void
}) {
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="default"
        leftSection={<IconRefresh size={14} />}
        loading={busy}
        onClick={reload}
      >
        Reload
      </Button>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="xs" variant="default" leftSection={<IconCopy size={14} />} onClick={copy}>
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconDownload size={14} />}
        onClick={() => saveText(fileNameOf(name, '-console.log'), text)}
      >
        Download
      </Button>
    </Group>
  )
}
