'use client'
import { lazyPart } from '../kit/lazy-part.tsx'
import { SidePanel } from '../kit/SidePanel.tsx'
import { useUrlState } from '../kit/url-state.ts'

const HostPanelContent = lazyPart(() =>
  import('./HostPanelContent.tsx').then((module) => module.HostPanelContent),
)

/** The side panel of `?panel=<id>`: capacity, facts, and whether the host takes new instances. */
export function HostPanel() {
  const { get, set } = useUrlState()
  const id = get('panel')
  return (
    <SidePanel opened={id !== null} onClose={() => set({ panel: null })} size="lg" title="Host">
      {id && <HostPanelContent id={id} />}
    </SidePanel>
  )
}
