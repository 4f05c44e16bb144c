const types = ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521']

/**
 * Returns null, or the sentence why this cannot be an OpenSSH public key (`type base64 comment`, RFC 4253 section 6.6).
 * The cloud checks more closely; this function finds what people paste by mistake.
 */
export function publicKeyProblem(text: string): string | null {
  const key = text.trim()
  if (!key) return 'Paste the public key, or choose its file.'
  if (/PRIVATE KEY/.test(key))
    return 'This is a private key. Keep it to yourself and paste the file that ends in .pub.'
  if (/^(-----|----) ?BEGIN/.test(key)) return 'Paste it in OpenSSH’s form: one line that begins with “ssh-”.'
  if (key.includes('\n')) return 'A public key is one line. Paste one key at a time.'
  const [type = '', data = ''] = key.split(/\s+/)
  if (!types.includes(type) && !type.startsWith('sk-'))
    return 'It begins with its type: ssh-ed25519, ssh-rsa or ecdsa-sha2-….'
  if (!/^[A-Za-z0-9+/]+={0,3}$/.test(data))
    return 'The part after the type is not complete. Copy the whole line.'
  return null
}

/** Returns the comment of a public key, such as `me@laptop`, which makes a good name. */
export function keyNameFrom(text: string): string {
  const comment = text.trim().split(/\s+/).slice(2).join(' ')
  return comment.replaceAll(/[^\w .@:+-]/g, '').slice(0, 255)
}
