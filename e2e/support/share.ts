/** Which share of the routes is looked at, such as `2/5` (tools/test/turns.ts chooses it); a run by hand looks at all. */
export const routesShare = process.env.TEST_ROUTES ?? '1/1'

/** The things of this share. Neighbours fall into different shares, so that each share has things of all kinds. */
export function shareOf<T>(things: readonly T[], share: string): T[] {
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(share)?.map(Number) ?? []
  if (!number || !count || number > count)
    throw new Error(`“${share}” is no share; write 2/5 for the second of five`)
  return things.filter((_, index) => index % count === number - 1)
}
