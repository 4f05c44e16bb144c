import http from 'node:http'

/**
 * The address of a process's health check. `alive` is a path that the process answers, with any status, without
 * calling another process and without much work; the same as `path` when absent.
 */
export type Ask = ({ socketPath: string } | { port: number }) & { path: string; alive?: string }
export type Pace = {
  /** The pause between two checks, in ms. */
  everyMs: number
  /** How long an answer may take, in ms. */
  answerMs: number
  /** After so many checks in a row without an answer the process counts as hung. */
  misses: number
  /** The same number for a process that has not been well yet; checks do not count while it does not listen. */
  startMisses: number
}
/** Half a minute; three minutes for a process that listens and has not been well yet, because the machine may be busy. */
const patient: Pace = { everyMs: 5_000, answerMs: 5_000, misses: 5, startMisses: 36 }

const isGood = (status: number) => status >= 200 && status < 400

/** Resolves when the process answers that it is well; rejects with the reason otherwise. */
export async function healthy(ask: Ask): Promise<void> {
  const status = await answerOf(ask, ask.path, 5_000)
  if (!isGood(status)) throw new Error(`answers ${status}`)
}

/** True when no process listens there (yet). */
const notListening = (error: unknown) =>
  ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')

/**
 * Watches a process that was started just now. Once it listens it must answer, and after its first good answer it must
 * go on answering, with any status (a missing database is no reason to end it); `hung` is called once
 * when it does not. Checks are counted and not time, so that after a sleep of the whole machine every process gets all
 * of them. Before it listens, a process may work for minutes (the agent adopts its guests first) and is not checked; its
 * end is noticed anyway. Therefore a process that was stopped (SIGSTOP) before it listened is not noticed.
 * Returns the function that ends the watch.
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

/** The status of the answer, on a new connection. */
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
