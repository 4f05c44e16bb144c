import { shellLine } from '../../kit/shell.ts'
import type { RouterInputs } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'

/** `iops` and `mibps` are the speed limits; empty for none. `pool` null: in any pool. */
export type TypeValues = {
  name: string
  description: string
  public: boolean
  iops: number | string
  mibps: number | string
  pool: string | null
  encrypted: boolean
  /** Several instances may have a volume at the same time. */
  shared: boolean
}
export const emptyType: TypeValues = {
  ...{ name: '', description: '', public: true, iops: '', mibps: '', pool: null, encrypted: false },
  shared: false,
}

const perhaps = (check: (value: number | string) => string | null) => (value: number | string) =>
  value === '' ? null : check(value)
export const typeProblems = {
  name: (name: string) => (name.trim() ? null : 'Give it a name.'),
  iops: perhaps(whole(1, 1_000_000_000, 'operations: a whole number')),
  mibps: perhaps(whole(1, 1_000_000, 'MiB: a whole number')),
}

type Wish = Required<Pick<RouterInputs['volumes']['types']['create'], 'name' | 'limits' | 'extraSpecs'>>
const limitsIn = ({ iops, mibps }: TypeValues): Wish['limits'] => ({
  ...(iops === '' ? {} : { total_iops_sec: String(iops) }),
  ...(mibps === '' ? {} : { total_bytes_sec: String(Number(mibps) * 1024 ** 2) }),
})
const extraSpecsIn = ({ pool, shared }: TypeValues): Wish['extraSpecs'] => ({
  ...(pool === null ? {} : { pool_name: pool }),
  ...(shared ? { multiattach: '<is> True' } : {}),
})

export const typeInput = (values: TypeValues): RouterInputs['volumes']['types']['create'] => ({
  ...{ name: values.name.trim(), description: values.description, public: values.public },
  ...{ extraSpecs: extraSpecsIn(values), limits: limitsIn(values), encrypted: values.encrypted },
})

const properties = (specs: Readonly<Record<string, string>>): string[] =>
  Object.entries(specs).flatMap(([key, value]) => ['--property', `${key}=${value}`])

export function typeCli(values: TypeValues): string {
  const name = values.name.trim() || 'NAME'
  const limits = limitsIn(values)
  const create = shellLine(
    ...['openstack', 'volume', 'type', 'create', !values.public && '--private'],
    ...(values.description ? ['--description', values.description] : []),
    ...properties(extraSpecsIn(values)),
    ...(values.encrypted ? ['--encryption-provider', 'luks'] : []),
    name,
  )
  if (Object.keys(limits).length === 0) return create
  return [
    create,
    shellLine('openstack', 'volume', 'qos', 'create', '--consumer', 'front-end', ...properties(limits), name),
    shellLine('openstack', 'volume', 'qos', 'associate', name, name),
  ].join('\n')
}

type Named = { id: string; name: string; description: string; public: boolean }
export const typeSetCli = (before: Named, after: Omit<Named, 'id'>): string =>
  shellLine(
    ...['openstack', 'volume', 'type', 'set', '--name', after.name],
    ...(after.description === before.description ? [] : ['--description', after.description]),
    ...(after.public === before.public ? [] : [after.public ? '--public' : '--private']),
    before.id,
  )
