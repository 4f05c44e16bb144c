import type { HostDocument } from './interface.ts'

/** Half of the bytes that an agent accepts in one call, and so little work that receipts come every few seconds. */
const mostBytes = 4 * 1024 * 1024
const mostWork = 100
/** A guest counts as more work, because a process starts or ends. */
const workOf = ({ kind }: HostDocument) => (kind === 'instance' ? 5 : 1)

/**
 * Splits a delivery into calls that are neither too big nor too long. The keeper orders the documents of one
 * call itself. Several calls are in the order of need: networks, which the others need, routers and ports (a
 * revocation waits for no guest), guests that go, guests, and in the end removals of things that guests must first
 * release. A document that is too big by itself gets a call of its own.
 */
export function partsOf(documents: readonly HostDocument[]): HostDocument[][] {
  const sized = documents.map((document) => ({ document, size: Buffer.byteLength(JSON.stringify(document)) }))
  const total = sized.reduce((sum, { size }) => sum + size, 0)
  const whole = documents.reduce((sum, document) => sum + workOf(document), 0)
  if (total <= mostBytes && whole <= mostWork) return [[...documents]]
  const parts: HostDocument[][] = []
  let [bytes, work] = [0, 0]
  for (const { document, size } of sized.toSorted((a, b) => rank(a.document) - rank(b.document))) {
    const last = parts.at(-1)
    const fits = last && work + workOf(document) <= mostWork && bytes + size <= mostBytes
    if (fits) last.push(document)
    else parts.push([document])
    bytes = fits ? bytes + size : size
    work = workOf(document) + (fits ? work : 0)
  }
  return parts
}

function rank({ kind, body }: HostDocument): number {
  if (body === null) return kind === 'instance' ? 1 : 3
  if (kind === 'network') return -1
  return kind === 'instance' ? 2 : 0
}
