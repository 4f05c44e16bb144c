import { HttpError } from './errors.ts'

/** The limit of a request body, in bytes. It is Keystone's default; a façade may set another. */
export const defaultBodyLimit = 114_688
const maxDepth = 32
const maxNodes = 20_000

/**
 * Parses a JSON body, with limits of depth and size, and only with strings that PostgreSQL can
 * store. Throws HttpError 400. An empty body is undefined.
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new HttpError(400, 'The body is not valid JSON in UTF-8.', { cause: error })
  }
  checkValue(value)
  return value
}

/** Checks a value without recursion, so that a deep value is refused and does not overflow the stack (A22.2). */
function checkValue(root: unknown): void {
  const stack: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }]
  let nodes = 0
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    nodes += 1
    if (nodes > maxNodes) throw new HttpError(400, `The body has more than ${maxNodes} values.`)
    const { value, depth } = top
    if (typeof value === 'string') checkText(value)
    if (typeof value !== 'object' || value === null) continue
    if (depth >= maxDepth) throw new HttpError(400, `The body is nested deeper than ${maxDepth} levels.`)
    for (const [key, inner] of Object.entries(value)) {
      checkText(key)
      if (key === '__proto__') throw new HttpError(400, 'The body has a key that is not allowed: __proto__.')
      stack.push({ value: inner, depth: depth + 1 })
    }
  }
}

function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw new HttpError(400, 'The body has a NUL character or half of a surrogate pair.')
}
