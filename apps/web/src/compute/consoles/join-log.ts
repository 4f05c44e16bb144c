/**
 * Returns the part of `live` that the log does not contain yet. The socket was open before the log was read, so the end
 * of the log and the beginning of the live text may be the same bytes, which are shown once.
 */
export function afterLog(log: string, live: string): string {
  for (let length = Math.min(log.length, live.length); length > 0; length--)
    if (log.endsWith(live.slice(0, length))) return live.slice(length)
  return live
}
