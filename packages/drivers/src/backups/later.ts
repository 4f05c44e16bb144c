/** Work that goes on in the background, at most `atOnce` at the same time, each under the name of a file. */
export function createLater(atOnce: number) {
  const running = new Map<string, Promise<void>>()
  const failed = new Map<string, unknown>()
  return {
    /** Begins the work as soon as there is room. Raises what has failed below `folder` already; `end` raises it as well. */
    async begin(folder: string, name: string, work: () => Promise<void>): Promise<void> {
      while (running.size >= atOnce) await Promise.race(running.values())
      for (const [file, error] of failed) if (isBelow(file, folder)) throw error
      running.set(
        name,
        work()
          .catch((error: unknown) => void failed.set(name, error))
          .finally(() => running.delete(name)),
      )
    },
    /** Waits for the work below the folder, and raises its first failure. */
    async end(folder: string): Promise<void> {
      await Promise.all([...running].flatMap(([name, work]) => (isBelow(name, folder) ? work : [])))
      const errors = [...failed].filter(([name]) => isBelow(name, folder))
      for (const [name] of errors) failed.delete(name)
      const [first] = errors
      if (first) throw first[1]
    },
  }
}

const isBelow = (file: string, folder: string): boolean => file.startsWith(`${folder}/`)
