'use client'
// biome-ignore lint/style/noRestrictedImports: it changes the parameters of the browser's own address, place and all.
import { usePathname, useSearchParams } from 'next/navigation'
import { useCallback } from 'react'

type Patch = Record<string, string | null | undefined>

/**
 * State that is kept in the address: filters, tabs, open panels. `set` changes parameters (null or '' removes one)
 * without asking the server; with `push` Back undoes the change.
 */
export function useUrlState(): {
  get: (key: string) => string | null
  set: (patch: Patch, push?: boolean) => void
} {
  const params = useSearchParams()
  const pathname = usePathname()
  const get = useCallback((key: string) => params.get(key), [params])
  const set = useCallback(
    (patch: Patch, push = false) => {
      // The current address is read, and not that of the last render, so that two changes in one event both hold.
      const next = new URLSearchParams(window.location.search)
      for (const [key, value] of Object.entries(patch)) {
        if (value) next.set(key, value)
        else next.delete(key)
      }
      const search = next.toString()
      const url = search ? `${pathname}?${search}` : pathname
      if (push) window.history.pushState(null, '', url)
      else window.history.replaceState(null, '', url)
    },
    [pathname],
  )
  return { get, set }
}

/** A panel that is open while the address contains `?key=value`. */
export function useUrlPanel(key: string, value = '1') {
  const { get, set } = useUrlState()
  return {
    opened: get(key) === value,
    open: () => set({ [key]: value }, true),
    close: () => set({ [key]: null }),
  }
}
