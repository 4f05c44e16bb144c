import { hostnameOf } from '@stratolith/api/compute/states'
import { rulePresets } from '@stratolith/api/networking/states'
import type { RouterInputs } from '../../kit/trpc.ts'
import { whole } from '../../kit/whole.ts'
import {
  type DiskValues,
  diskProblems,
  emptyDisks,
  imageIdOf,
  isRootOnVolume,
  launchVolumesOf,
  plannedVolumesOf,
} from './disks.ts'

export type Preset = 'ssh' | 'http' | 'https' | 'ping' | 'rdp'
export type MetadataRow = { id: string; key: string; value: string }

/** The values of the launch form, as a person types them. */
export type LaunchValues = DiskValues & {
  name: string
  description: string
  count: number | string
  imageId: string | null
  flavorId: string | null
  networkIds: string[]
  securityGroupIds: string[]
  openPresets: Preset[]
  keyName: string | null
  publicIp: boolean
  userData: string
  metadata: MetadataRow[]
  tags: string[]
  serverGroupId: string | null
  zone: string | null
  /** Only administrators may name the host. */
  hostName: string | null
  /** The address on the one chosen network; empty: any free address. */
  address: string
  configDrive: boolean
  /** The password is written to the config drive and nowhere else. */
  adminPass: string
}

export const emptyLaunch: LaunchValues = {
  ...emptyDisks,
  name: '',
  description: '',
  count: 1,
  imageId: null,
  flavorId: null,
  networkIds: [],
  securityGroupIds: [],
  openPresets: ['ssh', 'ping'],
  keyName: null,
  publicIp: false,
  userData: '',
  metadata: [],
  tags: [],
  serverGroupId: null,
  zone: null,
  hostName: null,
  address: '',
  configDrive: false,
  adminPass: '',
}

/** Returns the name of the group that the cloud makes for these presets, which stand in the order of the contract. */
export const presetGroup = (presets: readonly Preset[]): string =>
  `open-${rulePresets
    .filter(({ key }) => presets.includes(key))
    .map(({ key }) => key)
    .join('-')}`

type LaunchInput = RouterInputs['compute']['instances']['launch']
type PlanInput = RouterInputs['compute']['instances']['plan']

/** The largest user data in bytes that the cloud takes. */
export const maxUserDataBytes = 65_536

/** Encodes UTF-8 text as base64, in pieces, because `fromCharCode` takes only so many arguments. */
export function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text)
  let binary = ''
  for (let at = 0; at < bytes.length; at += 8192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(binary)
}

export const countProblem = whole(1, 50, 'A whole number')
const countOf = (count: number | string): number => {
  return countProblem(count) === null ? Number(count) : 1
}

export function metadataOf(rows: readonly MetadataRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter((row) => row.key.trim()).map((row) => [row.key.trim(), row.value]))
}

/**
 * Returns the input of the plan that is asked for while somebody types. User data is left out: it changes no plan and
 * may be large.
 */
export function planInputOf(values: LaunchValues): PlanInput {
  return {
    name: values.name.trim() || undefined,
    count: countOf(values.count),
    imageId: imageIdOf(values),
    volumes: plannedVolumesOf(values),
    flavorId: values.flavorId ?? undefined,
    networkIds: values.networkIds,
    securityGroupIds: values.securityGroupIds,
    openPresets: values.openPresets,
    keyName: values.keyName ?? undefined,
    publicIp: values.publicIp,
    ...placeOf(values),
  }
}

/** The placement of the instance, and its address. */
function placeOf(values: LaunchValues): Pick<LaunchInput, 'nics' | 'serverGroupId' | 'zone' | 'hostName'> {
  const { networkIds, serverGroupId, zone, hostName } = values
  const address = values.address.trim()
  const [networkId] = networkIds
  return {
    ...(address && networkId && addressAllowed(values) === true ? { nics: [{ networkId, address }] } : {}),
    ...(serverGroupId ? { serverGroupId } : {}),
    ...(zone ? { zone } : {}),
    ...(hostName ? { hostName } : {}),
  }
}

/** Returns whether one address can be asked for, or the sentence why not. */
export const addressAllowed = (values: Pick<LaunchValues, 'networkIds' | 'count'>): true | string =>
  values.networkIds.length !== 1
    ? 'Choose one network alone to name the address on it.'
    : countOf(values.count) === 1 || 'Several instances cannot have the same address.'

export function launchInputOf(values: LaunchValues, clientToken: string): LaunchInput {
  return {
    name: values.name.trim(),
    description: values.description,
    count: countOf(values.count),
    imageId: isRootOnVolume(values) ? undefined : imageIdOf(values),
    volumes: launchVolumesOf(values),
    flavorId: values.flavorId ?? '',
    networkIds: values.networkIds,
    securityGroupIds: values.securityGroupIds,
    openPresets: values.openPresets,
    keyName: values.keyName ?? undefined,
    userData: values.userData ? toBase64(values.userData) : undefined,
    metadata: metadataOf(values.metadata),
    publicIp: values.publicIp,
    clientToken,
    ...placeOf(values),
    tags: values.tags,
    configDrive: values.configDrive,
    ...(values.configDrive && values.adminPass ? { adminPass: values.adminPass } : {}),
  }
}

const isIpv4 = (text: string): boolean =>
  /^(\d{1,3})(\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255)

/** Returns the problems that the form can find without asking the server: field → sentence. */
export function launchProblems(values: LaunchValues): Partial<Record<keyof LaunchValues, string>> {
  const problems: Partial<Record<keyof LaunchValues, string>> = {}
  if (!values.name.trim()) problems.name = 'Give it a name.'
  const count = countProblem(values.count)
  if (count) problems.count = count
  Object.assign(problems, diskProblems(values))
  if (!values.flavorId) problems.flavorId = 'Choose a size.'
  if (new TextEncoder().encode(values.userData).length > maxUserDataBytes)
    problems.userData = 'User data has at most 64 KiB. Let it fetch the rest from somewhere.'
  const address = values.address.trim()
  if (address && addressAllowed(values) === true && !isIpv4(address))
    problems.address = 'Write it as 10.0.0.7.'
  const keys = values.metadata.map((row) => row.key.trim()).filter(Boolean)
  if (new Set(keys).size < keys.length) problems.metadata = 'A metadata key appears twice.'
  return problems
}

/** Returns the names that the launch will give: "web" ×3 → web-1 web-2 web-3; {n} marks the place of the number. */
export function launchNames(name: string, count: number | string): string[] {
  const base = name.trim() || 'instance'
  const many = countOf(count)
  return Array.from({ length: many }, (_, index) => {
    if (base.includes('{n}')) return base.replaceAll('{n}', String(index + 1))
    return many === 1 ? base : `${base}-${index + 1}`
  })
}

/** Says which host name the guest will have, because host names have fewer letters than names. */
export function hostnameText(name: string): string {
  if (!name.trim()) return 'Also its host name.'
  const host = hostnameOf(name.trim(), '')
  if (host === name.trim()) return 'Also its host name.'
  return host === hostnameOf('', '')
    ? 'No letter of it can stand in a host name: that will be “instance-” and the beginning of its id.'
    : `Its host name will be “${host}”.`
}

/** Says how a person will log in, for the summary. `closed`: nothing from outside is let in at all. */
export function loginPlan(
  { keyName, openPresets, publicIp }: Pick<LaunchValues, 'keyName' | 'openPresets' | 'publicIp'>,
  closed: string | null,
): string {
  if (!keyName) return 'No key pair: log in on a console with the password that the image has, if it has one.'
  if (closed) return `The key “${keyName}” goes in, but SSH from outside does not get there: use a console.`
  return openPresets.includes('ssh') && publicIp
    ? `SSH with the key “${keyName}” to the public IP; the consoles are in the page too.`
    : `The key “${keyName}” goes in. From outside SSH needs a public IP and an open port 22; the consoles work without.`
}
