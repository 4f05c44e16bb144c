import type { Allowed } from '@stratolith/api/kernel/contract'

/** The progress of a list: ready, or failed. While neither is true, the list is being read. */
export type ListRead = { ready: boolean; failed: boolean }

/** Answers for a button that needs the list; an older list is better than none. */
export const listRead = ({ ready, failed }: ListRead): Allowed =>
  ready ||
  (failed
    ? 'The networks of the project could not be read. Load the page again in a moment.'
    : 'A moment: the networks of the project are being read.')

export const isListWaited = ({ ready, failed }: ListRead): boolean => !ready && !failed
