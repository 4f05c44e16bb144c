import type { Allowed } from '@stratolith/api/kernel/contract'

/** Of a list that is asked for: it is there, or it could not be read. Neither: it is on its way. */
export type ListRead = { ready: boolean; failed: boolean }

/** For a button that must know the list first; an older list is better than none. */
export const listRead = ({ ready, failed }: ListRead): Allowed =>
  ready ||
  (failed
    ? 'The networks of the project could not be read. Load the page again in a moment.'
    : 'A moment: the networks of the project are being read.')

export const isListWaited = ({ ready, failed }: ListRead): boolean => !ready && !failed
