import type { ErrorView } from '@stratolith/api/kernel/contract'

const unreachable: ErrorView = {
  code: 'unavailable',
  message: 'The portal does not answer. Check your connection, then try again.',
  requestId: '',
  field: null,
  retryable: true,
}

/** Returns the cloud's own description of an error; a failure of the network becomes a sentence of the portal. */
export function cloudError(error: unknown): ErrorView {
  const view = dataOf(error)?.cloud
  if (isErrorView(view)) return view
  if (isErrorView(error)) return error
  if (error instanceof Error && error.name !== 'TRPCClientError' && !(error instanceof TypeError))
    return { ...unreachable, code: 'internal', message: error.message, retryable: false }
  return unreachable
}

/** Answers whether the session has ended. A wrong password in a form has the same code, but names its field. */
export function isSessionOver(error: unknown): boolean {
  const { code, field } = cloudError(error)
  return code === 'unauthenticated' && field === null
}

/** Answers whether the person has no role any more at the place of the page; the sign-in itself is good. */
export function isPlaceLost(error: unknown): boolean {
  const { code, field } = cloudError(error)
  return code === 'forbidden' && field === 'place'
}

/** Answers whether the row after which a page of a list begins is gone or never existed. */
export function isLostMarker(error: unknown): boolean {
  if (error === null || error === undefined) return false
  const { code, field } = cloudError(error)
  return code === 'invalid_input' && field === 'marker'
}

/** Answers whether nothing is at this address: the thing does not exist, or its ID is none that a thing could have. */
export function isNothing(error: unknown): boolean {
  if (error === null || error === undefined) return false
  const { code, field } = cloudError(error)
  return code === 'not_found' || (code === 'invalid_input' && field === 'id')
}

/**
 * Returns the error for a Mantine form: the sentence under the name of its field; empty when the error names no field.
 */
export function formErrors(error: unknown): Record<string, string> {
  const view = cloudError(error)
  return view.field ? { [view.field]: view.message } : {}
}

function dataOf(error: unknown): { cloud?: unknown } | null {
  if (typeof error !== 'object' || error === null || !('data' in error)) return null
  return typeof error.data === 'object' ? error.data : null
}

function isErrorView(value: unknown): value is ErrorView {
  return typeof value === 'object' && value !== null && 'code' in value && 'retryable' in value
}
