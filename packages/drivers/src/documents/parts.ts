import type { HostDocument } from './interface.ts'

/** Half of what an agent accepts in one call, and so much work that something is written down every few seconds. */
const mostBytes = 4 * 1024 * 1024
const mostWork = 100
/** A guest that comes or goes is a process. */
const workOf = ({ kind }: HostDocument) => (kind === 'instance' ? 5 : 1)

/**
 * A delivery in calls that are neither too big nor too long, one after the other. One call orders its
 * documents itself; of several the order is that of need: networks, which the others stand on, routers and ports (a
 * revocation waits for no guest), guests that go, guests, and in the end what guests are to let go of. A document that is too big alone is alone in its call.
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
