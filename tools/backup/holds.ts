import type { Facts, Manifest } from './format.ts'

/**
 * What a backup may hold, and what becomes of each kind when it is restored. Both are decided here and
 * never by a manifest: whoever can write to a folder of backups can write any manifest.
 */
export type Held =
  /** Read where it lies; of these a restore makes what it needs. */
  | { kind: 'database' | 'disk' | 'base' }
  | {
      kind: 'file'
      /** Relative to the data folder, under the host's name in the backup. */
      place: string
      host: string | null
      /** Of a guest's folder: its instance. */
      instanceId: string | null
      isNetwork: boolean
      mode: number
      /** Its group may read it; its owner is root, always. */
      group: 'root' | 'api'
    }

const hex = '[0-9a-f]'
const uuid = `${hex}{8}(?:-${hex}{4}){3}-${hex}{12}`
const host = '[a-z0-9][a-z0-9-]{0,62}'
/** A name and no more: no folder, nothing that a terminal would obey. */
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

/** What this machine has followed, and what is under way on it: not what makes the cloud. */
const ofMachine = ['cloud.json', 'restore.json']
/** Written anew at every start. */
const madeAnew = ['admin-openrc.sh', 'clouds.yaml']
/** Folders of the data folder: no file is put in their place. */
const folders = /^(run|logs|secrets|cache|images|hosts|(postgres|database)(\..*)?)$/

/** Whether a file that lies at the top of the data folder belongs to what is backed up. */
export const isSetting = (name: string): boolean =>
  !ofMachine.includes(name) && !madeAnew.includes(name) && !folders.test(name)

/** Null: no backup holds such a thing. */
export function heldAs(place: string, facts: Pick<Facts, 'hosts'>): Held | null {
  for (const kind of ['database', 'disk', 'base'] as const) if (shapes[kind].test(place)) return { kind }
  const file = { kind: 'file' as const, host: null, instanceId: null, isNetwork: false, mode: 0o600 }
  const [, top] = shapes.top.exec(place) ?? []
  if (top !== undefined)
    // What an operator has put there is for the api (what ldap.yaml names), which may read it and no more.
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

/** Made anew at every start, so a backup that has it (an older one) needs not. */
export const isMadeAnew = (place: string): boolean => madeAnew.includes(place)

/** Throws a sentence that names the first thing that no backup of ours holds. */
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
