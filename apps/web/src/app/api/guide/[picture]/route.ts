import { readPicture } from '../../../../guide/files.ts'
import { refusal } from '../../../../identity/server/origin.ts'

/** A picture of the guide. It shows a cloud of the tests, so that everybody may see it. */
export async function GET(_request: Request, { params }: { params: Promise<{ picture: string }> }) {
  const bytes = await readPicture((await params).picture)
  if (bytes === null) return refusal(404, 'not_found', 'The guide has no such picture.')
  return new Response(new Uint8Array(bytes), {
    headers: { 'content-type': 'image/webp', 'cache-control': 'public, max-age=300' },
  })
}
