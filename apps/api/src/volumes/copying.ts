/** How long an operation may take in which a host copies what a volume contains: a terabyte on a slow disk takes hours. */
export const copyingMs = 24 * 60 * 60_000
