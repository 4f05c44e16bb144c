import { expect, test, vi } from 'vitest'
import { beforePaint, hiddenColumnsId } from './before-paint.ts'
import { hearChoices } from './columns.ts'
import { preferenceKey } from './own-storage.ts'

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
  const localStorage = Object.defineProperty({ ...kept }, 'getItem', {
    value: (key: string) => kept[key] ?? null,
  })
  const css = { escape: (text: string) => text.replaceAll(' ', '\\ ') }
  new Function('document', 'localStorage', 'CSS', beforePaint(userId))(document, localStorage, css)
  return { density: dataset.density, style: styles.map(({ textContent }) => textContent).join() }
}

test('the density and the hidden columns of this person are applied, and nobody else’s', () => {
  const kept = {
    [preferenceKey('ann', 'density')]: 'comfortable',
    [preferenceKey('ann', 'columns Key pairs')]: '["type","created"]',
    [preferenceKey('bob', 'columns Networks')]: '["state"]',
  }
  expect(run(kept)).toEqual({
    density: 'comfortable',
    style:
      '[data-list=Key\\ pairs] [data-column=type],[data-list=Key\\ pairs] [data-column=created]{display:none}',
  })
  expect(run(kept, 'eve')).toEqual({ density: 'compact', style: '' })
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
