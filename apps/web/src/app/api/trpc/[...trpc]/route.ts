import { forwardTrpc } from '../../../../identity/server/forward.ts'
import { refuseForeign } from '../../../../identity/server/origin.ts'

type Context = { params: Promise<{ trpc: string[] }> }

export async function GET(request: Request, { params }: Context): Promise<Response> {
  return forwardTrpc(request, (await params).trpc.join('/'))
}

export async function POST(request: Request, { params }: Context): Promise<Response> {
  return refuseForeign(request) ?? forwardTrpc(request, (await params).trpc.join('/'))
}
