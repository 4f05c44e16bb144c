import type { OperationView } from '@stratolith/api/kernel/contract'
import { ownKey } from '../kit/own-storage.ts'
import { endOf } from './words.ts'

/** What people are told of afterwards: every failure, and the end of what takes its time. */
export const isNews = ({ action, state }: Pick<OperationView, 'action' | 'state'>): boolean =>
  state === 'failed' || (state === 'succeeded' && endOf(action) !== null)

/** Ended since the person looked last. */
export const isUnread = (
  operation: Pick<OperationView, 'action' | 'state' | 'finishedAt'>,
  seenAt: string | null,
): boolean =>
  isNews(operation) &&
  seenAt !== null &&
  operation.finishedAt !== null &&
  Date.parse(operation.finishedAt) > Date.parse(seenAt)

const keyOf = (userId: string): string => ownKey(userId, 'operations.seen')

/** When the person looked last, in all tabs of this browser; null: never, and then nothing old is news. */
export const seenAt = (store: Storage, userId: string): string | null => store.getItem(keyOf(userId))

export const markSeen = (store: Storage, userId: string, at: string): void => store.setItem(keyOf(userId), at)
