import { shellLine } from '../../../kit/shell.ts'

type Named = { name: string; description: string; public: boolean }

/** The version from which the stock client knows types of groups. */
const client = (...words: (string | false)[]): string =>
  shellLine('openstack', '--os-volume-api-version', '3.11', 'volume', 'group', 'type', ...words)

export const groupTypeCreateCli = ({ name, description, public: isPublic }: Named): string =>
  client(
    ...['create', !isPublic && '--private'],
    ...(description ? ['--description', description] : []),
    name.trim() || 'NAME',
  )
export const groupTypeSetCli = (before: Named & { id: string }, after: Named): string =>
  client(
    ...['set', '--name', after.name.trim()],
    ...(after.description === before.description ? [] : ['--description', after.description]),
    ...(after.public === before.public ? [] : [after.public ? '--public' : '--private']),
    before.id,
  )
export const groupTypeDeleteCli = (id: string): string => client('delete', id)
export const groupSpecSetCli = (id: string, key: string, value: string): string =>
  client('set', '--property', `${key}=${value}`, id)
export const groupSpecUnsetCli = (id: string, key: string): string => client('unset', '--property', key, id)
