/** Ids of resources that this tab waits for, each with the message that says what has begun. */
const awaited = new Map<string, string>()
/** Of more at once nobody wants to hear one by one. */
const most = 3

export function awaitEnd(resourceIds: readonly string[], message: string): void {
  if (resourceIds.length > most) return
  for (const id of resourceIds) awaited.set(id, message)
}

export const isAwaited = (resourceId: string): boolean => awaited.has(resourceId)

/** The message of what has ended now, which is waited for no longer; null: this tab did not ask for it. */
export function takeAwaited(resourceId: string): string | null {
  const message = awaited.get(resourceId) ?? null
  awaited.delete(resourceId)
  return message
}
