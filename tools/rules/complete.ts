import type { Room } from '../../apps/api/src/kernel/manifest.ts'

type Manifest = Pick<Room, 'name' | 'kinds' | 'openstack' | 'workflows'>

/** Rooms that show data of other rooms and have no tables of their own. */
const withoutTables = ['operations', 'system']
/** Rooms whose browser test or portal room has another name. */
const inThePortal: Record<string, { room: string; test: string }> = {
  directory: { room: 'directory', test: 'administration' },
  delegation: { room: 'profile', test: 'identity' },
  catalog: { room: 'administration', test: 'administration' },
  policy: { room: 'administration', test: 'administration' },
  quota: { room: 'quota', test: 'administration' },
  system: { room: 'administration', test: 'administration' },
  operations: { room: 'operations', test: 'compute' },
}

/** The parts that a room lacks, by the paths of the tree; empty when it is complete. */
export function missingOf(room: Manifest, files: readonly string[]): string[] {
  const { name } = room
  const api = `apps/api/src/${name}`
  const portal = inThePortal[name] ?? { room: name, test: name }
  const wanted: [string, boolean][] = [
    [`${api}/room.ts`, true],
    [`${api}/router.ts`, true],
    [`${api}/testing.room.ts`, true],
    [`prisma/schema/${name}.prisma`, !withoutTables.includes(name)],
    [`apps/web/src/${portal.room}/room.ts`, true],
    [`e2e/${portal.test}.e2e.ts`, true],
  ]
  const lacking = wanted.flatMap(([file, needed]) => (needed && !files.includes(file) ? [file] : []))
  const within = (folder: string, ending: RegExp) =>
    files.some((file) => file.startsWith(`${folder}/`) && ending.test(file))
  return [
    ...lacking,
    ...(within(api, /\/contract\.ts$/) ? [] : [`a contract.ts in ${api}`]),
    ...(within(api, /\/policy\.ts$/) ? [] : [`a policy.ts in ${api}`]),
    ...(within(api, /\.test\.ts$/) ? [] : [`a test in ${api}`]),
    ...(within(`apps/web/src/${portal.room}`, /\.tsx$/) ? [] : [`pages in apps/web/src/${portal.room}`]),
    ...(room.openstack && !within(api, /openstack/) ? [`operations of OpenStack’s door in ${api}`] : []),
  ].map((what) => `${name}: ${what}`)
}
