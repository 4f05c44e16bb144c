import { readFileSync } from 'node:fs'

/**
 * The user ids that this host gives out; each stands for the group id of the same number, too. No other
 * user of the machine may have one of them. The first two run work that belongs to no guest.
 */
export type GuestUids = {
  /** The user that reads files which tenants upload. */
  converter: number
  /** The user that boots the boot sector to find out whether KVM works, and that serves volumes of other machines to guests. */
  probe: number
  /** The range of which each guest gets one id. */
  guests: { first: number; last: number }
}

/**
 * A range that nothing else uses by default: /etc/subuid begins at 100000 and ends below 600100000, systemd's
 * containers end at 1879048191, its "foreign" ids begin at 2147352576.
 */
export const defaultGuestUids = '2000000000-2000065535'
const atLeast = 100
/** uid_t has 32 bits, and tools that keep it in an int see nothing above this. */
const highest = 2 ** 31 - 1

/** Parses "FIRST-LAST"; returns a sentence when the text is wrong. */
export function readGuestUids(text: string): GuestUids | string {
  const match = /^(\d{1,10})-(\d{1,10})$/.exec(text.trim())
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || first < 1000 || last > highest || last - first + 1 < atLeast)
    return `It is FIRST-LAST: at least ${atLeast} user ids between 1000 and ${highest} that nobody else uses, such as ${defaultGuestUids}.`
  return { converter: first, probe: first + 1, guests: { first: first + 2, last } }
}

/** A sentence that names a user or group which already has ids of that range; null when the range is free. */
export function takenByOthers(uids: GuestUids, etc = '/etc'): string | null {
  const { last } = uids.guests
  const free = `Set STRATOLITH_GUEST_UIDS to a range that is free (${defaultGuestUids} usually is).`
  for (const file of ['passwd', 'group'])
    for (const [name, , id] of entries(`${etc}/${file}`))
      if (id && Number(id) >= uids.converter && Number(id) <= last)
        return `${name} has id ${id} in ${etc}/${file}, which is one of those for guests. ${free}`
  for (const file of ['subuid', 'subgid'])
    for (const [name, start, count] of entries(`${etc}/${file}`))
      if (start && count && Number(start) <= last && Number(start) + Number(count) > uids.converter)
        return `${name} has ids from ${start} on in ${etc}/${file}, among them some of those for guests. ${free}`
  return null
}

function entries(file: string): string[][] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text.split('\n').flatMap((line) => (line && !line.startsWith('#') ? [line.split(':')] : []))
}
