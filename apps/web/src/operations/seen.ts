import type { OperationView } from '@stratolith/api/kernel/contract'
import { namelessKey, preferenceKey } from '../kit/own-storage.ts'
import type { Session } from '../kit/session.ts'
import { endOf } from './words.ts'

/** True for operations that users are told of afterwards: every failure, and the end of a long operation. */
export const isNews = ({ action, state }: Pick<OperationView, 'action' | 'state'>): boolean =>
  state === 'failed' || (state === 'succeeded' && endOf(action) !== null)

/** True for an operation that has ended since the user looked last. */
export const isUnread = (
  operation: Pick<OperationView, 'action' | 'state' | 'finishedAt'>,
  seenAt: string | null,
): boolean =>
  isNews(operation) &&
  seenAt !== null &&
  operation.finishedAt !== null &&
  Date.parse(operation.finishedAt) > Date.parse(seenAt)

/**
 * Each place has operations of its own, so a look at one place is no look at another. The key stays in the browser after
 * a sign-out, and names neither the user nor the place.
 */
type Looker = Pick<Session, 'userId' | 'at'>
const keyOf = ({ userId, at }: Looker): string => namelessKey(`${userId} operations.seen ${at}`)
/** The key of older versions, which named both. */
const oldKeyOf = ({ userId, at }: Looker): string => preferenceKey(userId, `operations.seen ${at}`)

/**
 * When the user looked last at this place, in all tabs of this browser. Null means never, and then no old operation is
 * news.
 */
export function seenAt(store: Storage, who: Looker): string | null {
  const old = store.getItem(oldKeyOf(who))
  if (old !== null) {
    store.removeItem(oldKeyOf(who))
    if (store.getItem(keyOf(who)) === null) markSeen(store, who, old)
  }
  return store.getItem(keyOf(who))
}

export const markSeen = (store: Storage, who: Looker, when: string): void => store.setItem(keyOf(who), when)
