/**
 * Keys for what a page keeps in the browser for the signed-in person. What is in the storage of the tab is removed at a
 * sign-out, and when another person signs in. What is in localStorage, such as the columns of a list, stays for the
 * person's next sign-in; the portal does not show it to others, because the key names the person.
 */
const prefix = 'stratolith.own '
export const ownKey = (userId: string, name: string): string => `${prefix}${userId} ${name}`

/** Removes what is kept. `but`: the user whose things stay. */
export function forgetOwn(store: Storage, but: string | null = null): void {
  const keys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? '')
  for (const key of keys)
    if (key.startsWith(prefix) && (but === null || !key.startsWith(ownKey(but, '')))) store.removeItem(key)
}
