/**
 * Work that goes on in the background, at most `atOnce` at the same time, each under the name of a file. What has failed belongs to
 * the folder for which it was begun, and nobody else learns of it.
 */
export function createLater(atOnce: number) {
  const running = new Map<string, Promise<void>>()
  /** The first failure of each folder. */
  const failed = new Map<string, { error: unknown }>()
  return {
    /** Begins the work as soon as there is room. Raises what has failed for `folder` already; `end` raises it as well. */
    async begin(folder: string, name: string, work: () => Promise<void>): Promise<void> {
      while (running.size >= atOnce) await Promise.race(running.values())
      const failure = failed.get(folder)
      if (failure) throw failure.error
      running.set(
        name,
        work()
          .catch((error: unknown) => {
            if (!failed.has(folder)) failed.set(folder, { error })
          })
          .finally(() => running.delete(name)),
      )
    },
    /** Waits for all work below the folder, and raises the first failure of what was begun for exactly this folder. */
    async end(folder: string): Promise<void> {
      await Promise.all([...running].flatMap(([name, work]) => (name.startsWith(`${folder}/`) ? work : [])))
      const failure = failed.get(folder)
      failed.delete(folder)
      if (failure) throw failure.error
    },
  }
}
