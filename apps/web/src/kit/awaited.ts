/** The message that says what has begun, with the button that also stands in the message of the end. */
export type Begun = { id: string; button?: { label: string; onClick: () => void } | undefined }
/** The IDs of resources for whose operations this tab waits. */
const awaited = new Map<string, Begun>()
/** The ends of more operations at a time are not told one by one. */
const most = 3

/**
 * Ends of operations that this tab does not wait for yet: the event of a quick operation comes before the answer to its
 * request.
 */
const early = new Map<string, { operationId: string; at: number }>()
const earlyMs = 10_000
/** Other people's operations end here, too, so the number is limited. */
const mostEarly = 100

type Teller = (resourceId: string, operationId: string) => void
let tell: Teller | null = null

/** Sets the function that tells ends which came early. Returns a function that removes it. */
export function tellEarlyEnds(teller: Teller): () => void {
  tell = teller
  return () => {
    if (tell === teller) tell = null
  }
}

/**
 * Waits for the ends of operations on these resources. `since`: the moment of the request; an earlier end belongs to
 * another operation. A new resource has no earlier ones.
 */
export function awaitEnd(resourceIds: readonly string[], message: Begun, since = 0): void {
  if (resourceIds.length > most) return
  for (const id of resourceIds) {
    awaited.set(id, message)
    const end = early.get(id)
    early.delete(id)
    if (end && end.at >= Math.max(since, Date.now() - earlyMs)) tell?.(id, end.operationId)
  }
}

/** Returns whether this tab waits for the end that has come; any other end is kept for some seconds. */
export function endCame(resourceId: string, operationId: string): boolean {
  if (awaited.has(resourceId)) return true
  const now = Date.now()
  for (const [id, { at }] of early) if (at < now - earlyMs || early.size >= mostEarly) early.delete(id)
  early.set(resourceId, { operationId, at: now })
  return false
}

/**
 * Returns the message of an operation that has ended now, and stops waiting for it. Null: this tab did not begin the
 * operation.
 */
export function takeAwaited(resourceId: string): Begun | null {
  const message = awaited.get(resourceId) ?? null
  awaited.delete(resourceId)
  return message
}
