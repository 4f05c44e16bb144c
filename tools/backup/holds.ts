import type { Facts, Manifest } from './format.ts'

/**
 * The kinds of things that a backup may contain, and how a restore treats each kind. This file decides both, and never
 * a manifest, because an attacker who can write to a folder of backups can write any manifest.
 */
export type Held =
  /** Things that a restore reads in the backup to make the database and the disks. */
  | { kind: 'database' | 'disk' | 'base' }
  | {
      kind: 'file'
      /** The path relative to the data folder, with the host's name as in the backup. */
      place: string
      host: string | null
      /** The instance of a guest's folder. */
      instanceId: string | null
      isNetwork: boolean
      mode: number
      /** The group that may read the file; the owner is always root. */
      group: 'root' | 'api'
    }

const hex = '[0-9a-f]'
const uuid = `${hex}{8}(?:-${hex}{4}){3}-${hex}{12}`
const host = '[a-z0-9][a-z0-9-]{0,62}'
/** A plain file name: no folder and no control characters. */
const plain = '(?!\\.{1,2}(?:/|$))[^/\\p{Cc}]{1,255}'
const shapes = {
  database: /^database\/(?:database\.json|\w{1,63}\.\w{1,63}\.copy\.gz)$/,
  disk: new RegExp(`^disks/${host}/${uuid}/${uuid}\\.qcow2$`),
  base: new RegExp(`^bases/${hex}{64}\\.raw$`),
  top: new RegExp(`^files/(${plain})$`, 'u'),
  secret: new RegExp(`^files/(secrets(?:/${plain}){1,4})$`, 'u'),
  network: new RegExp(
    `^files/(hosts/(${host})/network/(?:networks|ports|routers|sets)/[\\w-]{1,200}\\.json)$`,
  ),
  guest: new RegExp(
    `^files/(hosts/(${host})/instances/(${uuid})/(?:spec\\.json|config\\.iso|password|serial\\.log))$`,
  ),
}

/** Files about this machine (which database it has followed, which restore is under way), which do not belong to the cloud. */
const ofMachine = ['cloud.json', 'restore.json']
/** Files that every start writes again. */
const madeAnew = ['admin-openrc.sh', 'clouds.yaml']
/** The folders of the data folder, in whose place no file may be put. */
const folders = /^(run|logs|secrets|cache|images|hosts|volume-backups|(postgres|database)(\..*)?)$/

/** True for a file at the top of the data folder that is backed up. */
export const isSetting = (name: string): boolean =>
  !ofMachine.includes(name) && !madeAnew.includes(name) && !folders.test(name)

/** The kind of the thing at that place in a backup; null when no backup contains such a thing. */
export function heldAs(place: string, facts: Pick<Facts, 'hosts'>): Held | null {
  for (const kind of ['database', 'disk', 'base'] as const) if (shapes[kind].test(place)) return { kind }
  const file = { kind: 'file' as const, host: null, instanceId: null, isNetwork: false, mode: 0o600 }
  const [, top] = shapes.top.exec(place) ?? []
  if (top !== undefined)
    // Other files were put there by an operator for the api (as those that ldap.yaml names), which may only read them.
    return isSetting(top) || madeAnew.includes(top)
      ? { ...file, place: top, ...(top === 'cloud-id' ? readable : forApi) }
      : null
  const [, secret] = shapes.secret.exec(place) ?? []
  if (secret !== undefined) return { ...file, place: secret, group: 'root' }
  const [, record, hostOfNetwork] = shapes.network.exec(place) ?? []
  const [, ofGuest, hostOfGuest, instanceId = null] = shapes.guest.exec(place) ?? []
  const known = facts.hosts.find(({ name }) => name === (hostOfNetwork ?? hostOfGuest))
  if (!known) return null
  const where = { ...file, host: known.name, group: 'root' as const }
  return record !== undefined
    ? { ...where, place: record, isNetwork: true }
    : { ...where, place: ofGuest ?? '', instanceId }
}
const readable = { mode: 0o644, group: 'root' as const }
const forApi = { mode: 0o640, group: 'api' as const }

/** True for a file that every start writes again; older backups contain such files. */
export const isMadeAnew = (place: string): boolean => madeAnew.includes(place)

/** Throws a sentence that names the first thing which no backup of ours contains. */
export function refuseForeign(name: string, { files, disks, facts }: Manifest): void {
  const odd =
    files.find((file) => !heldAs(file.path, facts))?.path ??
    disks.find(
      (disk) =>
        disk.path !== `disks/${disk.host}/${disk.instanceId}/${disk.diskId}.qcow2` ||
        !facts.hosts.some((known) => known.name === disk.host),
    )?.path
  if (odd !== undefined)
    throw new Error(
      `The backup ${name} holds ${JSON.stringify(odd)}, which a backup never does: somebody has changed it, or a newer version made it. Nothing was changed.`,
    )
}
