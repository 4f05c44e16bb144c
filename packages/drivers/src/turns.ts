import pLimit, { type LimitFunction } from 'p-limit'

/** Makes a function that runs works of the same key one after the other; a key without work takes no memory. */
export function createTurns() {
  const turns = new Map<string, LimitFunction>()
  return async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = turns.get(key) ?? pLimit(1)
    turns.set(key, turn)
    try {
      return await turn(work)
    } finally {
      if (turn.activeCount + turn.pendingCount === 0 && turns.get(key) === turn) turns.delete(key)
    }
  }
}
