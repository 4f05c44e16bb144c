'use client'
import NextLink from 'next/link'
import { usePathname as useNextPathname, useRouter as useNextRouter } from 'next/navigation'
import { type ComponentProps, useContext, useMemo, useState } from 'react'
import { ownPath, placed } from './paths.ts'
import { SessionContext } from './session.ts'

/**
 * Link, router and path for addresses without their place: pages say `/instances`, and the address in the browser
 * begins with the project, or with `cloud`, in which the page is shown (decision 25).
 */
export function Link({
  href,
  onMouseEnter,
  onFocus,
  prefetch,
  ...rest
}: Omit<ComponentProps<typeof NextLink>, 'href' | 'prefetch'> & { href: string; prefetch?: false }) {
  const toPlace = useToPlace()
  // A page has dozens of links, so only the page under the pointer or the focus is prefetched, and with
  // `prefetch={false}` not even that.
  const [near, setNear] = useState(false)
  return (
    <NextLink
      href={toPlace(href)}
      prefetch={near && prefetch !== false ? null : false}
      onMouseEnter={(event) => {
        setNear(true)
        onMouseEnter?.(event)
      }}
      onFocus={(event) => {
        setNear(true)
        onFocus?.(event)
      }}
      {...rest}
    />
  )
}

/** `refresh` renders the page anew on the server, with the person's rights of now; what is typed stays. */
export function useRouter(): {
  push: (path: string) => void
  replace: (path: string) => void
  refresh: () => void
} {
  const router = useNextRouter()
  const toPlace = useToPlace()
  return useMemo(
    () => ({
      push: (path) => router.push(toPlace(path)),
      replace: (path) => router.replace(toPlace(path)),
      refresh: () => router.refresh(),
    }),
    [router, toPlace],
  )
}

export const usePathname = (): string => ownPath(useNextPathname())

/** Outside of the portal's shell the place is not known: proxy.ts redirects such an address to the right place. */
function useToPlace(): (path: string) => string {
  const session = useContext(SessionContext)
  return useMemo(() => (path: string) => (session ? placed(session, path) : path), [session])
}
