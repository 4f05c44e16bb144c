'use client'
import type { InstanceView } from '@stratolith/api/compute/contract'
import type { ResourceAction } from '../../kit/descriptor.ts'
import { lazyPart } from '../../kit/lazy-part.tsx'
import { SidePanel } from '../../kit/SidePanel.tsx'
import { useUrlState } from '../../kit/url-state.ts'

const InstancePanelContent = lazyPart(() =>
  import('./InstancePanelContent.tsx').then((module) => module.InstancePanelContent),
)

/** The side panel of `?panel=<id>`: facts and quick actions beside the list. */
export function InstancePanel({ actions }: { actions: ResourceAction<InstanceView>[] }) {
  const { get, set } = useUrlState()
  const id = get('panel')
  return (
    <SidePanel opened={id !== null} onClose={() => set({ panel: null })} size="md" title="Quick look">
      {id && <InstancePanelContent id={id} actions={actions} onRemoved={() => set({ panel: null })} />}
    </SidePanel>
  )
}
