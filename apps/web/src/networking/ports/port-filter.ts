import { type PortUse, portUses } from '@stratolith/api/networking/states'
import type { FilterDef } from '../../kit/filters.ts'

const words: Record<PortUse, string> = {
  instance: 'An instance',
  router: 'A router',
  floatingIp: 'A floating IP',
  free: 'Nothing',
}

/** Filters ports by the kind of thing to which they are attached. */
export const portUseFilter: FilterDef = {
  id: 'use',
  label: 'Attached to',
  options: portUses.map((value) => ({ value, label: words[value] })),
}

export const asUse = (text: string | undefined): PortUse | undefined => portUses.find((use) => use === text)
