/**
 * What a page keeps in the browser for the person who is signed in. Whoever signs out leaves nothing of it behind,
 * and whoever signs in next does not find it.
 */
const prefix = 'stratolith.own '
export const ownKey = (userId: string, name: string): string => `${prefix}${userId} ${name}`

/** `but`: the user whose things stay. */
export function forgetOwn(store: Storage, but: string | null = null): void {
  const keys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
  for (const key of keys)
    if (key.startsWith(prefix) && (but === null || !key.startsWith(ownKey(but, '')))) store.removeItem(key)
}
