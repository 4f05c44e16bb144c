/**
 * Keys for what a page keeps in the browser for the signed-in person. The portal does not show it to others, because the
 * keys name the person. Personal things, such as drafts and the projects of late, are removed at a sign-out, and when
 * another person signs in. Preferences stay for the person's next sign-in: how lists look, when the person looked last,
 * and pins. They have no names and no texts of the person, only IDs, which the browser's history has as well.
 */
const personal = 'stratolith.own '
export const ownKey = (userId: string, name: string): string => `${personal}${userId} ${name}`
export const preferenceKey = (userId: string, name: string): string =>
  `stratolith.preference ${userId} ${name}`

/** A key for a preference that is kept under a digest of these words, from which nobody reads them. */
export function namelessKey(words: string): string {
  let digest = 0xcbf29ce484222325n
  // FNV-1a. The browser's own digests are asynchronous, and absent from pages over http.
  for (const byte of new TextEncoder().encode(words))
    digest = BigInt.asUintN(64, (digest ^ BigInt(byte)) * 0x100000001b3n)
  return `stratolith.preference ${digest.toString(16)}`
}

/** Removes what is personal. `but`: the user whose things stay. */
export function forgetOwn(store: Storage, but: string | null = null): void {
  const keys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
  for (const key of keys)
    if (key.startsWith(personal) && (but === null || !key.startsWith(ownKey(but, '')))) store.removeItem(key)
}
