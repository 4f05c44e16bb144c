import { publicHost } from './front-door.ts'

/**
 * A request that changes something must come from a page of ours: browsers say so in
 * Sec-Fetch-Site and Origin, and another site's page cannot forge either. Null when it does.
 */
export function refuseForeign(request: Request): Response | null {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const siteFits = site === null || site === 'same-origin'
  const originFits =
    origin !== null && URL.canParse(origin) && new URL(origin).host === publicHost(request.headers)
  if (siteFits && (originFits || (origin === null && site === 'same-origin'))) return null
  return refusal(403, 'forbidden', 'This came from another site. Use the portal itself.')
}

/** The body that kit/errors.ts reads. */
export function refusal(status: number, code: string, message: string): Response {
  return Response.json(
    {
      error: {
        message,
        code: -32_000,
        data: { cloud: { code, message, requestId: '', field: null, retryable: status === 503 } },
      },
    },
    { status, headers: { 'cache-control': 'no-store' } },
  )
}
