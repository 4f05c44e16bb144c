/** The most calls of one tRPC request; the API refuses more (root-router.ts), because the calls run at the same time. */
export const batchSize = 20
