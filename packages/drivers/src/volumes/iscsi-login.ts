import { createHash } from 'node:crypto'
import { DriverError } from '../errors.ts'
import { type IscsiPdu, opcodes, type PduFields } from './iscsi-pdu.ts'

/** How this host comes in. */
export type IscsiAccess = { portal: string; target: string; user: string; secret: string; initiator: string }
/** What both sides have agreed on, in bytes. */
export type Agreed = { mostToTarget: number; firstBurst: number; immediateData: boolean }
/** The most data in one PDU that we take, in bytes. */
export const mostFromTarget = 256 * 1024

type Exchange = (request: PduFields, data: Buffer) => Promise<IscsiPdu>
const stages = { security: 0, operational: 1, full: 3 } as const

/**
 * Logs in with CHAP (RFC 7143, sections 6 and 12.1). A random session id keeps targets from taking two sessions of this host
 * for one, of which the second would end the first.
 */
export async function logIn(exchange: Exchange, access: IscsiAccess): Promise<Agreed> {
  const session = Buffer.concat([
    Buffer.from([0x80]),
    crypto.getRandomValues(Buffer.alloc(5)),
    Buffer.alloc(2),
  ])
  async function say(stage: number, next: number | null, keys: Record<string, string>) {
    const request = {
      ...{ opcode: opcodes.login | 0x40, flags: (stage << 2) | (next === null ? 0 : 0x80 | next) },
      lun: session,
    }
    const said = await exchange(request, keysAsText(keys))
    refuse(said, access)
    return { keys: keysIn(said.data), isNext: (said.flags & 0x80) !== 0 }
  }
  const first = await say(stages.security, null, {
    ...{ InitiatorName: access.initiator, TargetName: access.target, SessionType: 'Normal' },
    AuthMethod: 'CHAP',
  })
  if (first.keys.AuthMethod !== 'CHAP')
    throw new DriverError(
      'unavailable',
      `The target ${access.target} asks for no CHAP. Give it a CHAP user: a target that lets everybody in is not used.`,
    )
  const challenge = await say(stages.security, null, { CHAP_A: '5' })
  const reply = chapReply(challenge.keys, access.secret)
  await say(stages.security, stages.operational, { CHAP_N: access.user, CHAP_R: reply })
  const keys: Record<string, string> = {}
  for (let round = 0, isOver = false; !isOver; round += 1) {
    if (round === mostRounds)
      throw new DriverError('unavailable', 'The target does not come to an end with its login.')
    const said = await say(stages.operational, stages.full, round === 0 ? wishes : {})
    Object.assign(keys, said.keys)
    isOver = said.isNext
  }
  return {
    mostToTarget: bounded(keys.MaxRecvDataSegmentLength, 8192),
    firstBurst: bounded(keys.FirstBurstLength, 65_536),
    immediateData: keys.ImmediateData !== 'No',
  }
}

/** How often a target may ask for a further message before it lets us in. */
const mostRounds = 4
const wishes = {
  ...{ HeaderDigest: 'None', DataDigest: 'None', InitialR2T: 'Yes', ImmediateData: 'Yes' },
  ...{
    MaxRecvDataSegmentLength: String(mostFromTarget),
    MaxBurstLength: '262144',
    FirstBurstLength: '65536',
  },
  ...{ MaxOutstandingR2T: '1', MaxConnections: '1', DataPDUInOrder: 'Yes', DataSequenceInOrder: 'Yes' },
  ...{ ErrorRecoveryLevel: '0', DefaultTime2Wait: '2', DefaultTime2Retain: '0' },
}

function bounded(text: string | undefined, otherwise: number): number {
  const number = Number(text ?? otherwise)
  return Number.isInteger(number) && number >= 512 ? Math.min(number, 1024 ** 2) : otherwise
}

/** RFC 1994: the secret itself is never sent. */
function chapReply(
  { CHAP_A: algorithm, CHAP_I: id, CHAP_C: challenge }: Record<string, string>,
  secret: string,
) {
  const isHex = /^0x([0-9a-fA-F]{2}){1,1024}$/.test(challenge ?? '')
  const bytes = isHex
    ? Buffer.from((challenge ?? '').slice(2), 'hex')
    : Buffer.from((challenge ?? '').slice(2), 'base64')
  if (algorithm !== '5' || !/^\d{1,3}$/.test(id ?? '') || bytes.length === 0)
    throw new DriverError(
      'unavailable',
      'The target asks for a kind of CHAP that this host does not know (MD5 is asked for).',
    )
  return `0x${createHash('md5')
    .update(Buffer.from([Number(id)]))
    .update(secret)
    .update(bytes)
    .digest('hex')}`
}

function refuse(said: IscsiPdu, { target, portal, user, initiator }: IscsiAccess): void {
  const [group, detail] = [said.header[36] ?? 0, said.header[37] ?? 0]
  if (said.opcode !== opcodes.loginResponse)
    throw new DriverError('unavailable', `${portal} does not speak iSCSI as we know it.`)
  if (group === 0) return
  const words: Record<string, string> = {
    '2.1': `The target ${target} refuses the CHAP user ${user} or the secret. Type both again.`,
    '2.2': `The target ${target} does not let this host in. Add the initiator ${initiator} to those that it knows.`,
    '2.3': `The portal ${portal} has no target ${target}.`,
    '2.5': `The portal ${portal} does not speak iSCSI as we know it.`,
  }
  const moved = `The target ${target} is at another portal: ${keysIn(said.data).TargetAddress ?? 'it does not say where'}. Name that portal.`
  const other = `The target ${target} refuses the login (${group}.${detail}): see its log.`
  throw new DriverError('unavailable', group === 1 ? moved : (words[`${group}.${detail}`] ?? other))
}

const keysAsText = (keys: Record<string, string>): Buffer =>
  Buffer.from(
    Object.entries(keys)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  )

function keysIn(data: Buffer): Record<string, string> {
  const pairs = data
    .toString('latin1')
    .split('\0')
    .filter((pair) => pair.includes('='))
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
}
