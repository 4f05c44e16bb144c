import { NextRequest } from 'next/server'
import NextAuth from 'next-auth'
import { authOptions } from '../../../../identity/server/auth-options.ts'
import { isHost, publicHost } from '../../../../identity/server/front-door.ts'
import { limitedBody, tooLarge } from '../../../../identity/server/limited-body.ts'
import { refusal } from '../../../../identity/server/origin.ts'

type Context = { params: Promise<{ nextauth: string[] }> }

async function handler(request: NextRequest, context: Context): Promise<Response> {
  const host = publicHost(request.headers)
  // next-auth reads x-forwarded-host by itself and makes addresses from it, so a forged value is refused.
  if (!isHost(host) || (request.headers.get('x-forwarded-host') ?? host) !== host)
    return refusal(
      400,
      'invalid_input',
      'The Host header is not a host name. Open the portal by its address.',
    )
  // next-auth reads the whole body of everybody who sends one, whatever its size.
  const body = request.method === 'POST' ? await limitedBody(request) : undefined
  if (body === null) return tooLarge()
  const { url, method, headers } = request
  const read = new NextRequest(url, { method, headers, body })
  return NextAuth(read, context, authOptions(headers)) as Promise<Response>
}

export { handler as GET, handler as POST }
