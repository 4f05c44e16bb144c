/** A run that belongs to another worker by now, or whose worker is not sure of its lease: it writes nothing more. */
export class LeaseLost extends Error {
  constructor() {
    super('this worker has lost its lease')
    this.name = 'LeaseLost'
  }
}

/** The worker that a run belongs to. */
export type Holder = {
  /** Its row in "Worker". */
  readonly id: string
  /** Throws LeaseLost when the lease has expired by this machine's own clock. Asks nobody. */
  check(): void
  /** Aborts it when the lease is lost, until the returned function is called. */
  attach(run: AbortController): () => void
}
