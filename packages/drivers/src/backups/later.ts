/** Work that goes on in the background, at most `atOnce` at the same time, each under a name. */
export function createLater(atOnce: number) {
  const running = new Map<string, Promise<void>>()
  const failed = new Map<string, unknown>()
  return {
    /** Begins the work as soon as there is room. What fails is raised by `end`. */
    async begin(name: string, work: () => Promise<void>): Promise<void> {
      while (running.size >= atOnce) await Promise.race(running.values())
      running.set(
        name,
        work()
          .catch((error: unknown) => void failed.set(name, error))
          .finally(() => running.delete(name)),
      )
    },
    /** Waits for the work whose name fits, and raises the first failure of it. */
    async end(fits: (name: string) => boolean): Promise<void> {
      await Promise.all([...running].flatMap(([name, work]) => (fits(name) ? work : [])))
      const errors = [...failed].filter(([name]) => fits(name))
      for (const [name] of errors) failed.delete(name)
      const [first] = errors
      if (first) throw first[1]
    },
  }
}
