'use client'
import { Modal } from '@mantine/core'
import type { InstanceDetail } from '@stratolith/api/compute/contract'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../kit/Loaded.tsx'
import { useTRPC } from '../../kit/trpc.ts'
import { useTitle } from '../../kit/use-title.ts'
import { whyNoConsole } from '../instances/state.ts'
import classes from './console.module.css'
import { SerialConsole } from './SerialConsole.tsx'
import { VncConsole } from './VncConsole.tsx'

type Kind = 'vnc' | 'serial'

/** Covers the portal's page with one console. */
export function ConsoleModal({ id, kind }: { id: string; kind: Kind }) {
  const trpc = useTRPC()
  const query = useQuery(trpc.compute.instances.get.queryOptions({ id }))
  const name = query.data?.name
  useTitle(name === undefined ? null : `${name} · console · Stratolith`)
  return (
    <Modal
      opened
      fullScreen
      onClose={() => undefined}
      closeOnEscape={false}
      withCloseButton={false}
      transitionProps={{ duration: 0 }}
      title={name ?? 'Console'}
      classNames={{ content: classes.window, body: classes.windowBody }}
    >
      <Loaded query={query}>{(view) => <Screen view={view} kind={kind} />}</Loaded>
    </Modal>
  )
}

function Screen({ view, kind }: { view: InstanceDetail; kind: Kind }) {
  const unavailable = whyNoConsole(view)
  const props = { instanceId: view.id, unavailable, windowHref: null }
  return kind === 'serial' ? <SerialConsole {...props} /> : <VncConsole {...props} />
}
