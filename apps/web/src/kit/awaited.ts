/** Ids of resources that this tab waits for, each with the message that says what has begun. */
const awaited = new Map<string, string>()
/** Of more at once nobody wants to hear one by one. */
const most = 3

/** Ends that nobody waited for yet: the event of a quick operation comes before the answer to its request. */
const early = new Map<string, { operationId: string; at: number }>()
const earlyMs = 10_000
/** Of other people's work there may be many at once. */
const mostEarly = 100

type Teller = (resourceId: string, operationId: string) => void
let tell: Teller | null = null

/** Who says the ends that came early. Returns how to stop that. */
export function tellEarlyEnds(teller: Teller): () => void {
  tell = teller
  return () => {
    if (tell === teller) tell = null
  }
}

/** `since`: when that was asked for. Earlier ends are of something else; a new resource has no others. */
export function awaitEnd(resourceIds: readonly string[], message: string, since = 0): void {
  if (resourceIds.length > most) return
  for (const id of resourceIds) {
    awaited.set(id, message)
    const end = early.get(id)
    early.delete(id)
    if (end && end.at >= Math.max(since, Date.now() - earlyMs)) tell?.(id, end.operationId)
  }
}

/** Whether this tab waits for the end that has come; one that comes early is kept for a moment. */
export function endCame(resourceId: string, operationId: string): boolean {
  if (awaited.has(resourceId)) return true
  const now = Date.now()
  for (const [id, { at }] of early) if (at < now - earlyMs || early.size >= mostEarly) early.delete(id)
  early.set(resourceId, { operationId, at: now })
  return false
}

/** The message of what has ended now, which is waited for no longer; null: this tab did not ask for it. */
export function takeAwaited(resourceId: string): string | null {
  const message = awaited.get(resourceId) ?? null
  awaited.delete(resourceId)
  return message
}
