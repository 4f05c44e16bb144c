import { inWords } from './files.ts'

const showMs = () => (process.stdout.isTTY ? 500 : 5_000)

/** Shows the progress of a long copy (bytes, percent, time left) on a line that is rewritten, or on a new line every few seconds. */
export class Progress {
  readonly #title: string
  readonly #total: number
  readonly #startedAt = Date.now()
  #done = 0
  #shownAt = Date.now()

  constructor(title: string, total: number) {
    this.#title = title
    this.#total = total
  }

  readonly add = (bytes: number): void => {
    this.#done += bytes
    if (Date.now() - this.#shownAt < showMs()) return
    this.#shownAt = Date.now()
    this.#show(this.#line())
  }

  /** Shows other progress while no bytes come. */
  readonly tell = (text: string): void => {
    if (Date.now() - this.#shownAt < showMs()) return
    this.#shownAt = Date.now()
    this.#show(`${this.#title}: ${text}`)
  }

  #line(): string {
    // The total is the size at the beginning; guests may have written more since.
    const share = Math.min(1, this.#done / Math.max(1, this.#total))
    const seconds = (Date.now() - this.#startedAt) / 1000
    const left = share > 0 ? Math.ceil(seconds / share - seconds) : null
    return `${this.#title}: ${inWords(this.#done)} of ${inWords(Math.max(this.#total, this.#done))}, ${Math.floor(share * 100)} %${left === null ? '' : `, ${left} s left`}`
  }

  #show(line: string): void {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K  … ${line}`)
    else console.log(`  … ${line}`)
  }

  end(note = ''): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
    const seconds = (Date.now() - this.#startedAt) / 1000
    console.log(`  ✓ ${this.#title}: ${note || inWords(this.#done)} (${seconds.toFixed(1)} s)`)
  }
}
