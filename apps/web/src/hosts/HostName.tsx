'use client'
import { Anchor } from '@mantine/core'
import type { HostView } from '@stratolith/api/hosts/contract'
import { useUrlState } from '../kit/url-state.ts'

/** The name of a host; a click opens the side panel. */
export function HostName({ host }: { host: HostView }) {
  const { set } = useUrlState()
  return (
    <Anchor component="button" type="button" size="sm" fw={600} onClick={() => set({ panel: host.id }, true)}>
      {host.name}
    </Anchor>
  )
}
