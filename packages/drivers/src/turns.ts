import pLimit, { type LimitFunction } from 'p-limit'

/** Works of the same key run one after the other; a key that nobody uses costs nothing. */
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
