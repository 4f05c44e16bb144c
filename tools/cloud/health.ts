import http from 'node:http'

/**
 * Where a process is asked whether it is well. `alive` is an address that it answers, in whatever way,
 * without asking anybody else and without much work; left out: the same.
 */
export type Ask = ({ socketPath: string } | { port: number }) & { path: string; alive?: string }
export type Pace = {
  /** Milliseconds from one question to the next. */
  everyMs: number
  /** How long an answer may take. */
  answerMs: number
  /** So many without an answer, one after the other, and it is taken for hung. */
  misses: number
  /** The same for one that has not been well yet; while it does not listen nothing is counted. */
  startMisses: number
}
/** Half a minute; three minutes for one that listens and was never well: a busy machine gets its time. */
const patient: Pace = { everyMs: 5_000, answerMs: 5_000, misses: 5, startMisses: 36 }

const isGood = (status: number) => status >= 200 && status < 400

/** Resolves when it answers that it is well; rejects with why not. */
export async function healthy(ask: Ask): Promise<void> {
  const status = await answerOf(ask, ask.path, 5_000)
  if (!isGood(status)) throw new Error(`answers ${status}`)
}

/** Nobody listens there (yet). */
const notListening = (error: unknown) =>
  ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')

/**
 * Watches a process that was started just now. Once it listens it must answer, and from its first good answer on
 * go on answering, whatever it says (that its database is away is no reason to end it); `hung` is called once
 * when it does not. Counts questions and not time: after a sleep of the whole machine everybody gets all of
 * them. Before it listens it may work for minutes (the agent adopts its guests first) and is let alone; one
 * that ends is seen by that. So one that was stopped (SIGSTOP) before it listened is not noticed.
 * Returns what ends the watch.
 */
export function watchHealth(ask: Ask, hung: (why: string) => void, pace: Pace = patient): () => void {
  let over = false
  let wellOnce = false
  let missed = 0
  const look = async () => {
    if (over) return
    const asked = Date.now()
    try {
      const status = await answerOf(ask, wellOnce ? (ask.alive ?? ask.path) : ask.path, pace.answerMs)
      wellOnce ||= isGood(status)
      missed = 0
    } catch (error) {
      if (wellOnce || !notListening(error)) missed += 1
      if (missed >= (wellOnce ? pace.misses : pace.startMisses) && !over) {
        over = true
        hung(error instanceof Error ? error.message : String(error))
      }
    }
    setTimeout(look, Math.max(0, asked + pace.everyMs - Date.now())).unref()
  }
  void look()
  return () => {
    over = true
  }
}

/** The status of its answer; a connection of its own, which is new in each process. */
function answerOf({ alive, ...where }: Ask, path: string, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', agent: false, ...where, path }, (response) => {
      response.resume()
      clearTimeout(timer)
      resolve(response.statusCode ?? 0)
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}
