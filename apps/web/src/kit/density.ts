import { useState } from 'react'
import { preferenceKey } from './own-storage.ts'
import { useSession } from './session.ts'

/** The height of the rows of lists. Lists are compact until their reader chooses otherwise. */
export type Density = 'compact' | 'comfortable'

const keyOf = (userId: string) => preferenceKey(userId, 'density')

export const densityOf = (store: Pick<Storage, 'getItem'>, userId: string): Density =>
  store.getItem(keyOf(userId)) === 'comfortable' ? 'comfortable' : 'compact'

/** ui/global.css has the rules for both densities. */
export function showDensity(density: Density): void {
  document.documentElement.dataset.density = density
}

/** The choice of the signed-in person, which is kept in this browser. */
export function useDensity(): [Density, (density: Density) => void] {
  const { userId } = useSession()
  const [density, set] = useState(() => densityOf(localStorage, userId))
  const choose = (next: Density) => {
    localStorage.setItem(keyOf(userId), next)
    showDensity(next)
    set(next)
  }
  return [density, choose]
}
