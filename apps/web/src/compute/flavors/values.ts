import { shellLine } from '../../kit/shell.ts'
import type { RouterInputs } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'

export type FlavorValues = {
  name: string
  vcpus: number | string
  memoryMib: number | string
  diskGib: number | string
  ephemeralGib: number | string
  swapMib: number | string
  description: string
  diskMode: 'overlay' | 'copy'
  public: boolean
  id: string
}
export const emptyFlavor: FlavorValues = {
  name: '',
  vcpus: 1,
  memoryMib: 2048,
  diskGib: 20,
  ephemeralGib: 0,
  swapMib: 0,
  description: '',
  diskMode: 'overlay',
  public: true,
  id: '',
}

export const flavorProblems = {
  name: (name: string) => (name.trim() ? null : 'Give it a name.'),
  vcpus: whole(1, 256, 'vCPUs'),
  memoryMib: whole(32, 4_194_304, 'MiB'),
  diskGib: whole(1, 65_536, 'GiB'),
  ephemeralGib: whole(0, 65_536, 'GiB'),
  swapMib: whole(0, 4_194_304, 'MiB'),
  id: (id: string) =>
    id === '' || /^[\w .-]{1,255}$/.test(id) ? null : 'An id has letters, digits, spaces and _ . - only.',
}

export const flavorInput = (values: FlavorValues): RouterInputs['compute']['flavors']['create'] => ({
  ...(values.id ? { id: values.id } : {}),
  name: values.name.trim(),
  description: values.description,
  vcpus: Number(values.vcpus),
  memoryMib: Number(values.memoryMib),
  diskGib: Number(values.diskGib),
  ephemeralGib: Number(values.ephemeralGib),
  swapMib: Number(values.swapMib),
  public: values.public,
  diskMode: values.diskMode,
})

export const flavorCli = (values: FlavorValues): string =>
  shellLine(
    'openstack',
    'flavor',
    'create',
    ...(values.id ? ['--id', values.id] : []),
    '--vcpus',
    values.vcpus,
    '--ram',
    values.memoryMib,
    '--disk',
    values.diskGib,
    ...(Number(values.ephemeralGib) > 0 ? ['--ephemeral', values.ephemeralGib] : []),
    ...(Number(values.swapMib) > 0 ? ['--swap', values.swapMib] : []),
    !values.public && '--private',
    ...(values.description ? ['--description', values.description] : []),
    ...(values.diskMode === 'copy' ? ['--property', 'hw:disk=copy'] : []),
    values.name.trim() || 'NAME',
  )
