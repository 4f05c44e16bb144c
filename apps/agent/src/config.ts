import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { defaultGuestUids, type GuestUids, readGuestUids } from '@stratolith/drivers/guest-uids'
import { nameServersSetting } from '@stratolith/drivers/network/name-servers'
import { consoleDoorOf } from '@stratolith/drivers/remote/protocol'
import { z } from 'zod'

const word = z.union([z.literal('connected'), z.cidrv4()], {
  error: 'is neither an IPv4 network (192.168.0.0/16) nor the word connected, nor none alone',
})
/** Networks, or `connected`: the networks that the machine is connected to. `none`: only the machine itself. */
const guestDeny = z
  .string()
  .transform((text) => (text.trim() === 'none' ? [] : text.split(',').map((part) => part.trim())))
  .pipe(z.array(word))
  .transform((words) => ({
    connected: words.includes('connected'),
    cidrs: words.filter((text) => text !== 'connected'),
  }))

/** Also read by `npm start`, which refuses a wrong setting before it does anything. */
export const settingsSchema = z.object({
  STRATOLITH_DATA: z.string().min(1).default('.stratolith'),
  /** The folder for backups of volumes, best on another disk; $STRATOLITH_DATA/volume-backups when left out. */
  STRATOLITH_VOLUME_BACKUPS: z.string().min(1).optional(),
  STRATOLITH_ACCEL: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  STRATOLITH_EGRESS: z.enum(['auto', 'on', 'off']).default('auto'),
  STRATOLITH_EXTERNAL_CIDR: z.cidrv4().default('172.24.4.0/24'),
  STRATOLITH_GUEST_UIDS: z.string().default(defaultGuestUids),
  STRATOLITH_GUEST_DENY: guestDeny.prefault('connected'),
  STRATOLITH_DNS: nameServersSetting.optional(),
  STRATOLITH_HOST: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a host name has small letters, digits and dashes')
    .optional(),
  STRATOLITH_CLOUD: z
    .string()
    .regex(/^[a-z0-9]{4,6}$/, 'a cloud id has 4 to 6 small letters and digits')
    .optional(),
  /** The group ids that may use the two sockets; only root when left out. */
  STRATOLITH_DRIVERS_GROUP: z.coerce.number().int().positive().optional(),
  STRATOLITH_CONSOLE_GROUP: z.coerce.number().int().positive().optional(),
  STRATOLITH_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

/** A unix socket, for root and for members of a group. */
export type Door = { socketPath: string; group?: number }

export type AgentConfig = {
  dataDir: string
  /** $STRATOLITH_DATA/hosts/<host>: everything that this agent owns on disk. */
  hostDir: string
  backupsDir: string
  host: string
  /** The short id of the cloud: part of the name of everything that the drivers make in the kernel. */
  cloud: string
  accel: 'auto' | 'kvm' | 'tcg'
  egress: 'auto' | 'on' | 'off'
  externalCidr: string
  guestUids: GuestUids
  /** The networks that guests may not reach although this machine can. */
  guestDeny: { connected: boolean; cidrs: string[] }
  /** The name servers of the setting; null: the name servers of this machine. */
  nameServers: string[] | null
  /** The socket for calls of drivers. */
  drivers: Door
  /** The socket that opens consoles and does nothing else. */
  consoles: Door
  logLevel: string
}

/** Reads and checks the environment, making the data folder and the cloud's id when absent. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): AgentConfig {
  const parsed = settingsSchema.safeParse(env)
  if (!parsed.success)
    throw new Error(parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '))
  const e = parsed.data
  const dataDir = path.resolve(e.STRATOLITH_DATA)
  const host = e.STRATOLITH_HOST ?? hostNameOf(os.hostname())
  const hostDir = path.join(dataDir, 'hosts', host)
  const socketPath = path.join(hostDir, 'agent.sock')
  // sun_path of a unix socket holds 108 bytes; guests' sockets are longer than the agent's.
  const consolePath = consoleDoorOf(socketPath)
  if (Buffer.byteLength(consolePath) > 100)
    throw new Error(`The data folder's path is too long for a unix socket: choose a shorter STRATOLITH_DATA.`)
  fs.mkdirSync(hostDir, { recursive: true })
  fs.chmodSync(hostDir, 0o711) // guests may pass to their own folders, but may not list this folder
  return {
    dataDir,
    hostDir,
    backupsDir: path.resolve(e.STRATOLITH_VOLUME_BACKUPS ?? path.join(dataDir, 'volume-backups')),
    host,
    cloud: e.STRATOLITH_CLOUD ?? cloudId(dataDir),
    accel: e.STRATOLITH_ACCEL,
    egress: e.STRATOLITH_EGRESS,
    externalCidr: e.STRATOLITH_EXTERNAL_CIDR,
    guestUids: guestUids(e.STRATOLITH_GUEST_UIDS),
    guestDeny: e.STRATOLITH_GUEST_DENY,
    nameServers: e.STRATOLITH_DNS ?? null,
    drivers: { socketPath, group: e.STRATOLITH_DRIVERS_GROUP },
    consoles: { socketPath: consolePath, group: e.STRATOLITH_CONSOLE_GROUP },
    logLevel: e.STRATOLITH_LOG_LEVEL,
  }
}

function guestUids(text: string): GuestUids {
  const uids = readGuestUids(text)
  if (typeof uids === 'string') throw new Error(`STRATOLITH_GUEST_UIDS=${text}: ${uids}`)
  return uids
}

/** Makes the name of a host from that of its machine: "Web_1.example.org" becomes "web-1-example-org". */
export function hostNameOf(hostname: string): string {
  const cleaned = hostname.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')
  return cleaned.replaceAll(/^-+|-+$/g, '').slice(0, 40) || 'host-1'
}

/** Returns the id in $STRATOLITH_DATA/cloud-id; the first process that starts makes the file. */
function cloudId(dataDir: string): string {
  const file = path.join(dataDir, 'cloud-id')
  const fresh = `c${randomBytes(2).toString('hex')}`
  // link() makes the name appear together with the content, and succeeds for only one of two processes at once.
  const draft = `${file}.${process.pid}`
  fs.writeFileSync(draft, `${fresh}\n`)
  try {
    fs.linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    fs.rmSync(draft, { force: true })
  }
  const id = fs.readFileSync(file, 'utf8').trim()
  if (!/^[a-z0-9]{4,6}$/.test(id))
    throw new Error(
      `${file} does not hold a cloud id (4 to 6 small letters and digits): restore or remove it.`,
    )
  return id
}
