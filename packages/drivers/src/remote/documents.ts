import type { z } from 'zod'
import type { DocumentKeeper, HostDocument, Receipt } from '../documents/interface.ts'
import type { Op } from '../op.ts'
import { documentBodies, type documents } from './schemas.ts'

type Told = z.output<typeof documents>[number]

/** Those whose bodies have their shape; of the others a receipt says what is wrong, and where. */
export async function applyChecked(
  keeper: DocumentKeeper,
  op: Op,
  told: readonly Told[],
): Promise<Receipt[]> {
  const sound: HostDocument[] = []
  const refused: Receipt[] = []
  for (const document of told) {
    const { kind, id, generation } = document
    const parsed = documentBodies[kind].nullable().safeParse(document.body)
    if (parsed.success) sound.push({ ...document, body: parsed.data } as HostDocument)
    else {
      const [issue] = parsed.error.issues
      const message = `body.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`
      refused.push({ kind, id, generation, outcome: 'failed', code: 'invalid', message })
    }
  }
  return sound.length === 0 ? refused : [...refused, ...(await keeper.apply(op, sound))]
}
