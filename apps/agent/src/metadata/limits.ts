export type Limits = {
  /** The number of open connections of one guest. */
  connections: number
  /** Requests of one guest: per second in the long run, and at once. */
  rate: number
  burst: number
}
export const defaultLimits: Limits = { connections: 16, rate: 100, burst: 300 }

type Source = { open: number; tokens: number; at: number }

/** Keeps one guest from using up the service for the others: each source has a token bucket. */
export class SourceLimits {
  readonly #limits: Limits
  readonly #now: () => number
  readonly #sources = new Map<string, Source>()

  constructor(limits: Limits = defaultLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** May this source open another connection? When true, closed() must follow. */
  opened(source: string): boolean {
    const state = this.#of(source)
    if (state.open >= this.#limits.connections || state.tokens < 1) return false
    state.open += 1
    return true
  }

  closed(source: string): void {
    const state = this.#sources.get(source)
    if (!state) return
    state.open -= 1
    if (this.#sources.size > 1_000) this.#forgetIdle()
  }

  /** May this source make a request now? */
  asked(source: string): boolean {
    const state = this.#of(source)
    if (state.tokens < 1) return false
    state.tokens -= 1
    return true
  }

  #of(source: string): Source {
    const { rate, burst } = this.#limits
    const now = this.#now()
    const state = this.#sources.get(source) ?? { open: 0, tokens: burst, at: now }
    state.tokens = Math.min(burst, state.tokens + ((now - state.at) / 1000) * rate)
    state.at = now
    this.#sources.set(source, state)
    return state
  }

  #forgetIdle(): void {
    for (const [source, state] of this.#sources)
      if (state.open === 0 && this.#now() - state.at > 60_000) this.#sources.delete(source)
  }
}
