/**
 * Keys for what a page keeps in the browser for the signed-in person. A sign-out removes all of it, and the next person
 * who signs in cannot find it.
 */
const prefix = 'stratolith.own '
export const ownKey = (userId: string, name: string): string => `${prefix}${userId} ${name}`

/** Removes what is kept. `but`: the user whose things stay. */
export function forgetOwn(store: Storage, but: string | null = null): void {
  const keys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
  for (const key of keys)
    if (key.startsWith(prefix) && (but === null || !key.startsWith(ownKey(but, '')))) store.removeItem(key)
}
