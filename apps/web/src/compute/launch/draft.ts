import { rulePresets } from '@stratolith/api/networking/states'
import { ownKey } from '../../kit/own-storage.ts'
import { type DiskRow, type DiskSource, diskSources } from './disks.ts'
import type { LaunchOptions } from './use-launch-options.ts'
import { emptyLaunch, type LaunchValues, type MetadataRow, type Preset } from './values.ts'

/** The launch form remembers values for this person in this project, in the browser only. */
type Owner = { userId: string; projectId: string | null }
type Choice = { imageId: string | null; flavorId: string | null }

const draftKey = ({ userId, projectId }: Owner) => ownKey(userId, `launch.draft ${projectId}`)
const choiceKey = ({ userId, projectId }: Owner) => ownKey(userId, `launch.choice ${projectId}`)

/**
 * Keeps a half-typed form when the page is left for the sign-in page or loaded again. User data and passwords are
 * secrets, so they are not kept.
 */
export function keepDraft(
  store: Storage,
  owner: Owner,
  { userData: _data, adminPass: _password, ...values }: LaunchValues,
): void {
  store.setItem(draftKey(owner), JSON.stringify(values))
}

/**
 * Returns the draft once; null when there is none of this person and project. Choices that are no longer offered are
 * dropped.
 */
export function takeDraft(store: Storage, owner: Owner, options: LaunchOptions): LaunchValues | null {
  const kept = objectIn(store.getItem(draftKey(owner)))
  store.removeItem(draftKey(owner))
  if (kept === null) return null
  const values = { ...emptyLaunch, ...understood(kept) }
  return {
    ...values,
    imageId: offered(options.images, values.imageId),
    flavorId: offered(options.flavors, values.flavorId),
    networkIds: values.networkIds.filter((id) => offered(options.networks, id)),
    securityGroupIds: values.securityGroupIds.filter((id) => offered(options.securityGroups, id)),
    keyName: options.keyPairs.some(({ name }) => name === values.keyName) ? values.keyName : null,
    publicIp: values.publicIp && options.externalNetwork !== null,
  }
}

const offered = (all: readonly { id: string }[], id: string | null): string | null =>
  all.some((one) => one.id === id) ? id : null

/** An address that presets a field decides the form's first values; then a draft does not. */
export const addressChooses = (params: URLSearchParams): boolean =>
  ['name', 'image', 'volume', 'snapshot', 'backup', 'flavor', 'network', 'key', 'group'].some((key) =>
    params.has(key),
  )

/** Keeps the image and the size of a launch, which are preset the next time. */
export function keepChoice(store: Storage, owner: Owner, { imageId, flavorId }: Choice): void {
  store.setItem(choiceKey(owner), JSON.stringify({ imageId, flavorId }))
}

export function lastChoice(store: Storage, owner: Owner): Choice {
  const { imageId, flavorId } = objectIn(store.getItem(choiceKey(owner))) ?? {}
  return { imageId: isText(imageId) ? imageId : null, flavorId: isText(flavorId) ? flavorId : null }
}

/** Parses stored text. Another version of the portal, or anything else on this site, may have written it. */
function objectIn(text: string | null): Record<string, unknown> | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    // Text that is no JSON has nothing worth telling, so it counts as absent.
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value)
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isPreset = (value: unknown): value is Preset => rulePresets.some(({ key }) => key === value)
const isRow = (row: unknown): row is MetadataRow =>
  isObject(row) && isText(row.id) && isText(row.key) && isText(row.value)

const isSource = (value: unknown): value is DiskSource => diskSources.some((source) => source === value)

const isDisk = (disk: unknown): disk is DiskRow =>
  isObject(disk) &&
  isText(disk.id) &&
  (isText(disk.sizeGib) || typeof disk.sizeGib === 'number') &&
  typeof disk.goes === 'boolean'

type Guards = { [K in keyof LaunchValues]: (value: unknown) => value is LaunchValues[K] }
const guards: Omit<Guards, 'userData' | 'adminPass'> = {
  name: isText,
  description: isText,
  count: (value) => isText(value) || typeof value === 'number',
  imageId: isTextOrNull,
  flavorId: isTextOrNull,
  networkIds: isTexts,
  securityGroupIds: isTexts,
  openPresets: (value) => Array.isArray(value) && value.every(isPreset),
  keyName: isTextOrNull,
  publicIp: (value) => typeof value === 'boolean',
  metadata: (value) => Array.isArray(value) && value.every(isRow),
  tags: isTexts,
  serverGroupId: isTextOrNull,
  zone: isTextOrNull,
  hostName: isTextOrNull,
  address: isText,
  configDrive: (value) => typeof value === 'boolean',
  source: isSource,
  volumeId: isTextOrNull,
  snapshotId: isTextOrNull,
  backupId: isTextOrNull,
  rootVolume: (value) => typeof value === 'boolean',
  rootGib: (value) => isText(value) || typeof value === 'number',
  rootType: isTextOrNull,
  rootGoes: (value) => typeof value === 'boolean',
  disks: (value) => Array.isArray(value) && value.every(isDisk),
}

function understood(kept: Record<string, unknown>): Partial<LaunchValues> {
  const fields = Object.entries(guards).filter(([key, guard]) => guard(kept[key]))
  return Object.fromEntries(fields.map(([key]) => [key, kept[key]]))
}
