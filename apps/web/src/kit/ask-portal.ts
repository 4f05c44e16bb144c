import { heed } from './heed.ts'
import { pageHeaders, type Sender } from './place.ts'

/** Asks a route of the portal's server that is no procedure. Throws the error of a refusal. */
export async function askPortal<T>(path: `/api/${string}`, sender: Sender, body: object = {}): Promise<T> {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...pageHeaders(sender) },
    body: JSON.stringify(body),
  })
  const said = await answer.json()
  if (answer.ok) return said
  heed(said.error)
  throw said.error
}
