import type { NextRequest } from 'next/server'
import NextAuth from 'next-auth'
import { authOptions } from '../../../../identity/server/auth-options.ts'

type Context = { params: Promise<{ nextauth: string[] }> }

async function handler(request: NextRequest, context: Context): Promise<Response> {
  return NextAuth(request, context, authOptions(request.headers)) as Promise<Response>
}

export { handler as GET, handler as POST }
