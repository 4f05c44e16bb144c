import { refusal } from './origin.ts'

/** The limit of every body that a route reads into memory (R6). Image bytes are passed on as they come instead. */
const maxBodyBytes = 1 << 20

/** The bytes of the body; null when there are too many, whatever content-length says. */
export async function limitedBody(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength
    if (length > maxBodyBytes) return null
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

/** The refusal of a body that is too large. */
export const tooLarge = (): Response =>
  refusal(413, 'invalid_input', 'The request is larger than 1 MiB. Send a smaller request.')

/** The JSON of the body; null for other text. Undefined: the body is too large. */
export async function limitedJson(request: Request): Promise<unknown> {
  const bytes = await limitedBody(request)
  if (bytes === null) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}
