import { type At, type Field, links, shape } from '../../openstack/fields.ts'
import type { FlavorView } from '../contract.ts'

const fields: Field<FlavorView>[] = [
  { name: 'id', of: (f) => f.id },
  { name: 'name', of: (f) => f.name },
  { name: 'ram', of: (f) => f.memoryMib },
  { name: 'disk', of: (f) => f.diskGib },
  { name: 'swap', until: 74, of: (f) => f.swapMib || '' },
  { name: 'swap', since: 75, of: (f) => f.swapMib },
  { name: 'OS-FLV-EXT-DATA:ephemeral', of: (f) => f.ephemeralGib },
  { name: 'OS-FLV-DISABLED:disabled', of: () => false },
  { name: 'vcpus', of: (f) => f.vcpus },
  { name: 'os-flavor-access:is_public', of: (f) => f.public },
  { name: 'rxtx_factor', of: (f) => f.rxtxFactor },
  { name: 'links', of: (f, at) => links(at, `flavors/${encodeURIComponent(f.id)}`) },
  { name: 'description', since: 55, of: (f) => f.description || null },
  { name: 'extra_specs', since: 61, of: (f) => f.extraSpecs },
]
export const flavorView = (flavor: FlavorView, at: At) => shape(fields, flavor, at)

const brief: Field<FlavorView>[] = [
  { name: 'id', of: (f) => f.id },
  { name: 'name', of: (f) => f.name },
  { name: 'links', of: (f, at) => links(at, `flavors/${encodeURIComponent(f.id)}`) },
  { name: 'description', since: 55, of: (f) => f.description || null },
]
export const flavorBrief = (flavor: FlavorView, at: At) => shape(brief, flavor, at)
