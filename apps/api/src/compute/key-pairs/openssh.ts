import { createHash, generateKeyPairSync } from 'node:crypto'
import type { Key } from 'sshpk'
import { invalidInput } from '../../kernel/errors.ts'
import { onDemand } from '../../kernel/on-demand.ts'

const sshpk = onDemand<typeof import('sshpk')>('sshpk')

export type PublicKey = { publicKey: string; fingerprint: string }

const howTo =
  'Paste one line like “ssh-ed25519 AAAA… me@laptop” (ed25519, ECDSA, or RSA of at least 2048 bits).'
const bad = (why: string) => invalidInput(`${why} ${howTo}`, 'publicKey')

/**
 * Checks an OpenSSH public key (RFC 4253 section 6.6) and writes it anew, as one line for a guest: type, base64,
 * comment. Options before the type (`command=…`), further lines and control characters are refused, since
 * the line ends in a guest's authorized_keys.
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim()
  if (/-----BEGIN|PRIVATE KEY/.test(line)) throw bad('That is a private key: keep it to yourself.')
  if (/[^\P{Cc}\t]/u.test(line) || /[\u2028\u2029]/u.test(line)) throw bad('A public key is a single line.')
  const match =
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(
      line,
    )
  if (!match) throw bad('This is not an OpenSSH public key.')
  const [, type = '', blob = '', comment = ''] = match
  const key = parse(`${type} ${blob}`)
  if (key.type === 'rsa' && key.size < 2048) throw bad(`An RSA key of ${key.size} bits is too weak.`)
  if (key.type === 'rsa' && key.size > 16_384) throw bad(`An RSA key of ${key.size} bits is too large.`)
  // The type inside the blob must equal the type before the blob, and nothing may follow the blob.
  const canonical = key.toBuffer('rfc4253').toString('base64')
  if (
    canonical !== Buffer.from(blob, 'base64').toString('base64') ||
    !key.toString('ssh').startsWith(`${type} `)
  )
    throw bad('The key is damaged.')
  return {
    publicKey: `${type} ${canonical}${comment ? ` ${comment.slice(0, 255)}` : ''}`,
    fingerprint: md5(key),
  }
}

/** Makes a new ed25519 pair; the private key is in OpenSSH's own format, without a passphrase. */
export function generatePair(comment: string): PublicKey & { privateKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = sshpk().parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'pkcs8')
  key.comment = comment
  const blob = key.toPublic().toBuffer('rfc4253').toString('base64')
  return {
    publicKey: `ssh-ed25519 ${blob} ${comment}`,
    fingerprint: md5(key.toPublic()),
    privateKey: `${key.toString('openssh').trim()}\n`,
  }
}

function parse(text: string): Key {
  try {
    return sshpk().parseKey(text, 'ssh')
  } catch {
    throw bad('The key is damaged.')
  }
}

/** The SHA-256 fingerprint “SHA256:…”, as `ssh-keygen -l` prints it. */
export const sha256Of = (publicKey: string): string => {
  const [, blob = ''] = publicKey.trim().split(/\s+/)
  return `SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`
}

/** The MD5 fingerprint "3d:f1:…", as Nova shows it. */
const md5 = (key: Key): string => key.fingerprint('md5').toString('hex').replace(/^MD5:/i, '')
