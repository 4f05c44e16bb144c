/**
 * Holds a thing that is made from what `load` brings. React keeps what it has made, a failure too, so that a failed load
 * would break a page until it is loaded again. After a failure the holder therefore makes another, which loads anew.
 */
export function renewed<L, M>(
  load: () => Promise<L>,
  make: (loaded: () => Promise<L | null>) => M,
  failed: (error: unknown) => void,
): { current: () => M } {
  const fresh = (): M =>
    make(async () => {
      try {
        return await load()
      } catch (error) {
        failed(error)
        made = fresh()
        return null
      }
    })
  let made = fresh()
  return { current: () => made }
}
