import { ec2Answer, ec2Versions } from './ec2.ts'
import { openstackAnswer } from './openstack.ts'
import { type Answer, nothing, type PasswordStore, plain, type Question, type Subject } from './reply.ts'

/**
 * Answers a guest as Nova's metadata service does (openstack and EC2 trees, every version). Only
 * method, path and body are looked at: no header takes part (A07). `today` is an ISO date.
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
