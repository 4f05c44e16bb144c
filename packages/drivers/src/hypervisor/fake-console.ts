import { Duplex } from 'node:stream'
import type { ConsoleLog } from './interface.ts'

/** How much of a fake guest's serial output is kept, in characters. */
const keptChars = 65_536

/** Serial output of a fake guest; `start` counts the bytes that were dropped. ASCII only, so one character is one byte. */
export type FakeLog = { start: number; text: string }

export function appendLog(log: FakeLog, text: string): void {
  const all = log.text + text
  const dropped = Math.max(0, all.length - keptChars)
  log.start += dropped
  log.text = all.slice(dropped)
}

export function readLog(
  log: FakeLog,
  options: { offset?: number; maxBytes: number; tailLines?: number },
): ConsoleLog {
  const end = log.start + log.text.length
  if (options.offset !== undefined) {
    const offset = Math.min(Math.max(options.offset, log.start), end)
    const text = log.text.slice(offset - log.start, offset - log.start + options.maxBytes)
    return { text, offset, next: offset + text.length }
  }
  let text = log.text.slice(-options.maxBytes)
  if (options.tailLines !== undefined) text = lastLines(text, options.tailLines)
  return { text, offset: end - text.length, next: end }
}

/** The last `count` lines of a text; a final line break begins no line. */
export function lastLines(text: string, count: number): string {
  let from = text.length
  for (let line = 0; line < count; line += 1) {
    const at = text.lastIndexOf('\n', from - 2)
    if (at < 0 || from < 2) return text
    from = at + 1
  }
  return text.slice(from)
}

/** A stream that sends back whatever is written to it; `onBytes` gets each chunk. */
export function echoStream(greeting: string, onBytes: (text: string) => void): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      onBytes(chunk.toString('latin1'))
      stream.push(chunk)
      done()
    },
    final(done) {
      stream.push(null)
      done()
    },
  })
  if (greeting) stream.push(greeting)
  return stream
}

/** A PNG of one black pixel. */
export const blackPng = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
)
