import { z } from 'zod'
import { withoutDefaults } from '../defaults.ts'
import type { DocumentKeeper, HostDocument, Receipt } from '../documents/interface.ts'
import { documentBodies, receipt, receiptOf, type toldDocuments } from '../documents/spec.ts'
import { DriverError, driverErrorOf } from '../errors.ts'
import type { Op } from '../op.ts'
import { type FieldsSince, type Need, needOf } from './since.ts'
import { advice } from './versions.ts'

type Told = z.output<typeof toldDocuments>[number]

/** Reads what a hypervisor keeps of a guest. */
export type Describe = (
  id: string,
) => Promise<{ volumes: readonly unknown[]; disks: readonly { kind?: unknown }[] } | null>

/** The versions of the protocol with which instances got volumes, and ephemeral and swap disks. */
const volumesSince = 3
const localDisksSince = 7

/**
 * Raises `unsupported` when the caller is of a version that does not know what the guest has: such a caller would take it
 * away, because its wishes do not name it.
 */
export async function refuseUnknowing(op: Op, id: string, describe: Describe): Promise<void> {
  const speaks = op.callerSpeaks ?? localDisksSince
  if (speaks >= localDisksSince) return
  const guest = await describe(id)
  const unknown =
    speaks < volumesSince && guest?.volumes.length
      ? 'volumes'
      : guest?.disks.some(({ kind }) => kind !== undefined)
        ? 'ephemeral or swap disks'
        : null
  if (unknown === null) return
  throw new DriverError(
    'unsupported',
    `The guest ${id} has ${unknown}, of which the control plane that asks knows nothing. ${advice['control plane']}`,
  )
}

/** Applies the documents whose bodies match their schemas; the receipts of the others say what is wrong, and where. */
export async function applyChecked(
  keeper: DocumentKeeper,
  op: Op,
  told: readonly Told[],
  describe: Describe,
): Promise<Receipt[]> {
  const sound: HostDocument[] = []
  const refused: Receipt[] = []
  for (const document of told) {
    const { kind, id, generation } = document
    const parsed = documentBodies[kind].nullable().safeParse(document.body)
    const isWish = kind === 'instance' && document.body !== null
    const older = isWish
      ? await refuseUnknowing(op, id, describe).then(
          () => null,
          (error: unknown) => driverErrorOf(error),
        )
      : null
    if (older) {
      const { code, message } = older
      refused.push({ kind, id, generation, outcome: 'failed', code, message })
    } else if (parsed.success) sound.push({ ...document, body: parsed.data } as HostDocument)
    else {
      const [issue] = parsed.error.issues
      const message = `body.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`
      refused.push({ kind, id, generation, outcome: 'failed', code: 'invalid', message })
    }
  }
  return sound.length === 0 ? refused : [...refused, ...(await keeper.apply(op, sound))]
}

/**
 * Parses the receipts that an agent has returned for these documents. A malformed receipt counts as the failure of its
 * document alone, and a receipt for a document that was not sent is left out.
 */
export function checkedReceipts(told: readonly HostDocument[], answer: readonly unknown[]): Receipt[] {
  const asked = new Set(told.map(keyOf))
  return answer.flatMap((said): Receipt[] => {
    const of = receiptOf.safeParse(said)
    // Each document has one receipt, so that a very long answer costs no more than was asked.
    if (!of.success || !asked.delete(keyOf(of.data))) return []
    const parsed = receipt.safeParse(said)
    if (parsed.success) return [parsed.data]
    const message = `A malformed receipt: ${z.prettifyError(parsed.error).slice(0, 500)}`
    return [{ ...of.data, outcome: 'failed', code: 'failed', message }]
  })
}
const keyOf = ({ kind, id, generation }: Pick<HostDocument, 'kind' | 'id' | 'generation'>) =>
  `${kind}/${id}/${generation}`

/** A document as it is sent: without fields that have their default, which an older agent may not know. */
export const sentDocument = ({ kind, id, generation, body }: HostDocument) => ({
  kind,
  id,
  generation,
  body: withoutDefaults(documentBodies[kind].nullable(), body),
})

export const needOfDocument = (document: HostDocument, since: FieldsSince): Need | null =>
  needOf(document.kind, sentDocument(document).body, since)

/** Splits documents into those that the agent understands, and the receipts (`refused`) of the others. */
export function tellable(
  documents: readonly HostDocument[],
  refusalOf: (document: HostDocument) => DriverError | null,
): { told: HostDocument[]; refused: Receipt[] } {
  const told: HostDocument[] = []
  const refused: Receipt[] = []
  for (const document of documents) {
    const { kind, id, generation } = document
    const error = refusalOf(document)
    if (error)
      refused.push({ kind, id, generation, outcome: 'failed', code: error.code, message: error.message })
    else told.push(document)
  }
  return { told, refused }
}
