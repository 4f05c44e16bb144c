import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { SignInPage } from '../../identity/SignInPage.tsx'
import { isSignedIn } from '../../identity/server/current.ts'
import { safeReturnPath } from '../../kit/paths.ts'

export const metadata: Metadata = { title: 'Sign in' }
type Params = { from?: string; ended?: string }

export default async function Page({ searchParams }: { searchParams: Promise<Params> }) {
  const { from, ended } = await searchParams
  const back = safeReturnPath(typeof from === 'string' ? from : null)
  if (await isSignedIn(back)) redirect(back)
  return (
    <SignInPage
      back={back}
      // src/proxy.ts sets this header for every page.
      cloud={(await headers()).get('x-portal-host') ?? ''}
      ended={ended === 'password-changed' ? ended : ended ? 'ended' : null}
    />
  )
}
