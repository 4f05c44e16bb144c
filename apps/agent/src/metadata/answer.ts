import type { InstanceSpec } from '@stratolith/drivers/hypervisor/interface'
import type { RecordedPort } from '@stratolith/drivers/network/interface'
import { ec2Answer, ec2Versions } from './ec2.ts'
import { openstackAnswer } from './openstack.ts'

/** The guest that asks, found by the network and address that its packet came from. */
export type Subject = { spec: InstanceSpec; ports: readonly RecordedPort[] }

/** A guest's own note of its (encrypted) password, written once. */
export type PasswordStore = {
  read(instanceId: string): Promise<string>
  /** False when there is one already. */
  writeOnce(instanceId: string, password: string): Promise<boolean>
}

export type Question = { method: string; path: string; body: Buffer }
export type Answer = { status: number; type: string; body: Buffer }

export const plain = (body: string, status = 200): Answer => ({
  status,
  type: 'text/plain; charset=UTF-8',
  body: Buffer.from(body),
})
export const json = (body: unknown): Answer => ({
  status: 200,
  type: 'application/json',
  body: Buffer.from(JSON.stringify(body)),
})
export const raw = (body: Buffer): Answer => ({ status: 200, type: 'application/octet-stream', body })
export const nothing = plain('', 404)

/**
 * Answers a guest as Nova's metadata service does (openstack and EC2 trees, every version). Only
 * method, path and body are looked at: no header takes part (catalogue A07). `today` is an ISO date.
 */
export async function answer(
  question: Question,
  subject: Subject,
  passwords: PasswordStore,
  today: string,
): Promise<Answer> {
  const segments = segmentsOf(question.path)
  if (!segments) return nothing
  if (segments[0] === 'openstack')
    return openstackAnswer(question, segments.slice(1), subject, passwords, today)
  if (question.method !== 'GET') return plain('', 405)
  if (segments.length === 0) return plain(ec2Versions.join('\n'))
  return ec2Answer(segments, subject)
}

/** Null for anything but a plain absolute path (an absolute URL, dots, bad escapes). */
function segmentsOf(path: string): string[] | null {
  if (!path.startsWith('/')) return null
  const bare = path.split('?', 1)[0] ?? ''
  try {
    const segments = bare
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
    return segments.some((segment) => segment === '.' || segment === '..') ? null : segments
  } catch {
    return null // a malformed escape names nothing
  }
}
