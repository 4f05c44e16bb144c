/**
 * Browsers offer `navigator.clipboard` on https and localhost only, but a private cloud is often opened as
 * http://10.0.0.5:8080. There this function puts the old way of copying behind the same name, so that every copy button
 * works. It runs once, in the browser.
 */
export function installClipboard(): void {
  if (typeof navigator === 'undefined' || 'clipboard' in navigator) return
  Object.defineProperty(navigator, 'clipboard', { value: { writeText: copyBySelection }, configurable: true })
}

async function copyBySelection(text: string): Promise<void> {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.style.cssText = 'position:fixed;inset:0 auto auto 0;opacity:0'
  // The text area is put into an open dialog, because the dialog's focus trap would take the focus away from any other
  // place.
  const place = before?.closest('[role=dialog]') ?? document.body
  place.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  if (!done) throw new Error('The browser did not let us copy. Select the text and copy it by hand.')
}
