import { isTls, publicHost } from './front-door.ts'

/**
 * Refuses a changing request that does not come from a page of the portal. Browsers report the origin in Sec-Fetch-Site
 * and Origin, and a page of another site cannot forge either. Returns null for a request that may pass.
 */
export function refuseForeign(request: Request): Response | null {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const siteFits = site === null || site === 'same-origin'
  const originFits = origin !== null && (site === null ? isWhole : isHostOf)(origin, request.headers)
  if (siteFits && (originFits || (origin === null && site === 'same-origin'))) return null
  return refusal(403, 'forbidden', 'This request came from another site. Use the portal itself.')
}

const isHostOf = (origin: string, headers: Headers): boolean =>
  URL.canParse(origin) && new URL(origin).host === publicHost(headers)

/** Without Sec-Fetch-Site the scheme counts, too: a page over http is another site than the same page over https. */
const isWhole = (origin: string, headers: Headers): boolean =>
  isHostOf(origin, headers) && new URL(origin).protocol === (isTls(headers) ? 'https:' : 'http:')

/** An error in the form that kit/errors.ts reads. */
export function refusal(
  status: number,
  code: string,
  message: string,
  field: string | null = null,
): Response {
  return Response.json(
    {
      error: {
        message,
        code: -32_000,
        data: { cloud: { code, message, requestId: '', field, retryable: status === 503 } },
      },
    },
    { status, headers: { 'cache-control': 'no-store' } },
  )
}
