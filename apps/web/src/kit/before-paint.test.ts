import { expect, test, vi } from 'vitest'
import { beforePaint, hiddenColumnsId } from './before-paint.ts'
import { hearChoices } from './columns.ts'
import { ownKey, preferenceKey } from './own-storage.ts'

/** Runs the script in a browser that has kept this, and returns the density and the style sheet of the page. */
function run(kept: Record<string, string>, userId = 'ann') {
  const dataset: Record<string, string> = {}
  const styles: { textContent: string }[] = []
  const document = {
    documentElement: { dataset },
    createElement: () => ({ textContent: '' }),
    head: { append: (style: { textContent: string }) => styles.push(style) },
  }
  // The keys of a Storage are its own properties, as of this object.
  const localStorage: Record<string, string> = { ...kept }
  Object.defineProperties(localStorage, {
    getItem: { value: (key: string) => localStorage[key] ?? null },
    setItem: { value: (key: string, value: string) => Object.assign(localStorage, { [key]: value }) },
    removeItem: { value: (key: string) => delete localStorage[key] },
  })
  const css = { escape: (text: string) => text.replaceAll(' ', '\\ ') }
  new Function('document', 'localStorage', 'CSS', beforePaint(userId))(document, localStorage, css)
  return {
    density: dataset.density,
    style: styles.map(({ textContent }) => textContent).join(),
    localStorage,
  }
}

test('the density and the hidden columns of this person are applied, and nobody else’s', () => {
  const kept = {
    [preferenceKey('ann', 'density')]: 'comfortable',
    [preferenceKey('ann', 'columns Key pairs')]: '["type","created"]',
    [preferenceKey('bob', 'columns Networks')]: '["state"]',
  }
  expect(run(kept)).toMatchObject({
    density: 'comfortable',
    style:
      '[data-list=Key\\ pairs] [data-column=type],[data-list=Key\\ pairs] [data-column=created]{display:none}',
  })
  expect(run(kept, 'eve')).toMatchObject({ density: 'compact', style: '' })
})

test('preferences under the keys of older versions are taken over, those of other people as well', () => {
  const old = {
    [ownKey('ann', 'density')]: 'comfortable',
    [ownKey('ann', 'columns Key pairs')]: '["type"]',
    [ownKey('ann', 'operations.seen p1')]: '2026-01-01T00:00:00Z',
    [ownKey('ann', 'projects')]: '{"pinned":["p1"],"recent":["p2"]}',
    [ownKey('bob', 'density')]: 'comfortable',
    [preferenceKey('bob', 'density')]: 'compact',
    [ownKey('bob', 'projects')]: '{',
    [ownKey('bob', 'launch.draft p1')]: 'half-typed',
    theirs: '1',
  }
  const { density, style, localStorage } = run(old)
  expect(density).toBe('comfortable')
  expect(style).toBe('[data-list=Key\\ pairs] [data-column=type]{display:none}')
  expect(localStorage).toEqual({
    [preferenceKey('ann', 'density')]: 'comfortable',
    [preferenceKey('ann', 'columns Key pairs')]: '["type"]',
    [preferenceKey('ann', 'operations.seen p1')]: '2026-01-01T00:00:00Z',
    [preferenceKey('ann', 'projects.pinned')]: '["p1"]',
    [ownKey('ann', 'projects.recent')]: '["p2"]',
    [preferenceKey('bob', 'density')]: 'compact',
    [ownKey('bob', 'launch.draft p1')]: 'half-typed',
    theirs: '1',
  })
  expect(run(localStorage).localStorage, 'once').toEqual(localStorage)
})

test('a choice that cannot be read hides nothing', () => {
  const key = preferenceKey('ann', 'columns Networks')
  for (const text of ['{', '7', 'null', '[]']) expect(run({ [key]: text }).style).toBe('')
})

test('the ID of a user cannot end the script', () => {
  expect(beforePaint('</script><script>alert(1)')).not.toContain('</script>')
})

test('a column that is chosen in another window is not hidden by the style sheet of the first paint', () => {
  const page = new EventTarget()
  const remove = vi.fn()
  vi.stubGlobal('window', page)
  vi.stubGlobal('document', { getElementById: (id: string) => (id === hiddenColumnsId ? { remove } : null) })
  const tell = vi.fn()
  const stop = hearChoices(tell)
  expect(remove).not.toHaveBeenCalled()
  page.dispatchEvent(new Event('storage'))
  expect([remove, tell].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
  stop()
  vi.unstubAllGlobals()
})
