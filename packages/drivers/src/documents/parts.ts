import type { HostDocument } from './interface.ts'

/** Half of what an agent accepts in one call, and so many that something is written down every few seconds. */
const mostBytes = 4 * 1024 * 1024
const mostDocuments = 100

/**
 * A delivery in calls that are neither too big nor too long, one after the other. One call orders its
 * documents itself; of several the order is that of need: networks and ports (a revocation waits for no guest),
 * guests that go, guests, and in the end what guests are to let go of. A document that is too big alone is alone in its call.
 */
export function partsOf(documents: readonly HostDocument[]): HostDocument[][] {
  const sized = documents.map((document) => ({ document, size: Buffer.byteLength(JSON.stringify(document)) }))
  const total = sized.reduce((sum, { size }) => sum + size, 0)
  if (total <= mostBytes && documents.length <= mostDocuments) return [[...documents]]
  const parts: HostDocument[][] = []
  let bytes = 0
  for (const { document, size } of sized.toSorted((a, b) => rank(a.document) - rank(b.document))) {
    const last = parts.at(-1)
    const fits = last && last.length < mostDocuments && bytes + size <= mostBytes
    if (fits) last.push(document)
    else parts.push([document])
    bytes = fits ? bytes + size : size
  }
  return parts
}

function rank({ kind, body }: HostDocument): number {
  if (body === null) return kind === 'instance' ? 1 : 3
  return kind === 'instance' ? 2 : 0
}
