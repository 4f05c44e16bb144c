import type { StrayKind, StrayView } from '@stratolith/api/hosts/contract'

/** Kinds of what hosts have, in people's words. */
export const strayWords: Record<StrayKind, { noun: string; plural: string }> = {
  guest: { noun: 'Guest', plural: 'Guests' },
  disk: { noun: 'Disk', plural: 'Disks' },
  port: { noun: 'Port', plural: 'Ports' },
  network: { noun: 'Network', plural: 'Networks' },
  router: { noun: 'Router', plural: 'Routers' },
  addressSet: { noun: 'Security group', plural: 'Security groups' },
  blob: { noun: 'Image bytes', plural: 'Image bytes' },
}

/** A guest has a name; the rest is known by an id. */
export const strayName = ({ name, thing }: Pick<StrayView, 'name' | 'thing'>): string => name ?? thing

export const placeName = (host: { name: string } | null): string => host?.name ?? 'Image store'
