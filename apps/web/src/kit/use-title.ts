import { useLayoutEffect } from 'react'

/**
 * Gives the browser's tab this title while the component is there; null leaves the title of the route. Next writes the
 * route's own title when its metadata arrives, which may be after the component has drawn, so the title is kept
 * against that. The observer ends with the component, before the next page's title is heard of.
 */
export function useTitle(title: string | null): void {
  useLayoutEffect(() => {
    if (title === null) return
    const keep = () => {
      if (document.title !== title) document.title = title
    }
    keep()
    const observer = new MutationObserver(keep)
    observer.observe(document.head, { childList: true, subtree: true, characterData: true })
    return () => observer.disconnect()
  }, [title])
}
