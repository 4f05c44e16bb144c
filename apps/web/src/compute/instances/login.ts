/** The user names of the usual cloud images, by a word in the image's name. */
const usual: [word: RegExp, user: string][] = [
  [/ubuntu/i, 'ubuntu'],
  [/debian/i, 'debian'],
  [/fedora/i, 'fedora'],
  [/cirros/i, 'cirros'],
  [/alma/i, 'almalinux'],
  [/rocky/i, 'rocky'],
  [/centos/i, 'centos'],
  [/alpine/i, 'alpine'],
  [/arch/i, 'arch'],
  [/suse/i, 'opensuse'],
  [/flatcar|coreos/i, 'core'],
]

export type Login = { user: string; sure: boolean }

/**
 * Returns the user name for a login: the one that the image declares, else the one in the image's description (“login:
 * tiny”, “user tiny”), else the usual one for images with such a name.
 */
export function loginOf(
  declared: string | null,
  imageName: string,
  description: string | null,
): Login | null {
  if (declared) return { user: declared, sure: true }
  const told = /\b(?:log ?in|user(?: ?name)?)(?: as| is|:|=)?\s+[“"'`]?([a-z_][\w-]{0,31})[”"'`]?/i.exec(
    description ?? '',
  )
  if (told?.[1]) return { user: told[1], sure: true }
  const known = usual.find(([word]) => word.test(imageName))
  return known ? { user: known[1], sure: false } : null
}

/** Returns the ssh command to paste. When the user name is unknown, the reader fills it in. */
export function sshCommand(login: Login | null, address: string, keyFile: string | null): string {
  return ['ssh', ...(keyFile ? ['-i', keyFile] : []), `${login?.user ?? 'USER'}@${address}`].join(' ')
}
