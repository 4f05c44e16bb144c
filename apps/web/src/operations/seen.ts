import type { OperationView } from '@stratolith/api/kernel/contract'
import { preferenceKey } from '../kit/own-storage.ts'
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

/** Each place has operations of its own, so a look at one place is no look at another. */
type Looker = Pick<Session, 'userId' | 'at'>
const keyOf = ({ userId, at }: Looker): string => preferenceKey(userId, `operations.seen ${at}`)

/**
 * When the user looked last at this place, in all tabs of this browser. Null means never, and then no old operation is
 * news.
 */
export const seenAt = (store: Storage, who: Looker): string | null => store.getItem(keyOf(who))

export const markSeen = (store: Storage, who: Looker, when: string): void => store.setItem(keyOf(who), when)
