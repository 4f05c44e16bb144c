/** How long an operation may take in which a host copies what a volume contains: a terabyte on a slow disk takes hours. */
export const copyingMs = 24 * 60 * 60_000

/** How long an operation may wait for such copies: longer, so that it ends by the end of the copy, and tells why that failed. */
export const waitingForCopiesMs = copyingMs + 60 * 60_000
