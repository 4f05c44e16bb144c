'use client'
import { useCallback, useSyncExternalStore } from 'react'
import { hiddenColumnsId } from './before-paint.ts'
import type { ColumnDef } from './descriptor.ts'
import { preferenceKey } from './own-storage.ts'
import { useSession } from './session.ts'

const changed = 'stratolith:columns'

/**
 * Returns the columns of a list without those that this person has hidden. The choice is kept in this browser. The
 * first column is always shown.
 */
export function useColumns<V>(
  list: string,
  all: ColumnDef<V>[],
): { shown: ColumnDef<V>[]; isShown: (id: string) => boolean; show: (id: string, on: boolean) => void } {
  const { userId } = useSession()
  const key = preferenceKey(userId, `columns ${list}`)
  const text = useSyncExternalStore(hearChoices, () => window.localStorage.getItem(key), nothing)
  const hidden = hiddenOf(text)
  const isShown = (id: string) => id === all[0]?.id || !hidden.has(id)
  const show = useCallback(
    (id: string, on: boolean) => {
      const now = hiddenOf(window.localStorage.getItem(key))
      if (on) now.delete(id)
      else now.add(id)
      if (now.size === 0) window.localStorage.removeItem(key)
      else window.localStorage.setItem(key, JSON.stringify([...now]))
      window.dispatchEvent(new Event(changed))
    },
    [key],
  )
  return { shown: all.filter(({ id }) => isShown(id)), isShown, show }
}

const nothing = () => null

/** Hears of each new choice, and takes away the style sheet of the first paint, which knows only the choice of then. */
export function hearChoices(tell: () => void): () => void {
  const hear = () => {
    document.getElementById(hiddenColumnsId)?.remove()
    tell()
  }
  window.addEventListener(changed, hear)
  // Another window of the same browser has changed the choice.
  window.addEventListener('storage', hear)
  return () => {
    window.removeEventListener(changed, hear)
    window.removeEventListener('storage', hear)
  }
}

/** The stored text may have been written by an older version or by hand. */
export function hiddenOf(text: string | null): Set<string> {
  try {
    const kept: unknown = JSON.parse(text ?? '[]')
    return new Set(Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [])
  } catch {
    return new Set()
  }
}
