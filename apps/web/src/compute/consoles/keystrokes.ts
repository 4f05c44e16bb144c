/** One key by its X11 name (keysym), pressed with or without Shift. */
export type Keystroke = { keysym: number; shift: boolean }

const enter = 0xff0d
const tab = 0xff09
const shifted = '~!@#$%^&*()_+{}|:"<>?'

/**
 * Returns text as keys of a US keyboard, the layout of a guest that was not told otherwise. Latin-1 keysyms are their
 * code points, others are 0x01000000 + code point (X11 protocol, appendix A). Control characters other than line ends
 * and tabs are dropped.
 */
export function keystrokes(text: string): Keystroke[] {
  const keys: Keystroke[] = []
  for (const character of text.replaceAll(/\r\n?/g, '\n')) {
    const point = character.codePointAt(0) ?? 0
    if (character === '\n') keys.push({ keysym: enter, shift: false })
    else if (character === '\t') keys.push({ keysym: tab, shift: false })
    else if (point < 0x20 || (point >= 0x7f && point < 0xa0)) continue
    else
      keys.push({
        keysym: point < 0x100 ? point : 0x1000000 + point,
        shift: /\p{Lu}/u.test(character) || shifted.includes(character),
      })
  }
  return keys
}

/**
 * The one key combination that is not sent to the guest: without it a person who uses only a keyboard could not leave
 * the console.
 */
export const leavesConsole = (event: Pick<KeyboardEvent, 'ctrlKey' | 'shiftKey' | 'code'>): boolean =>
  event.ctrlKey && event.shiftKey && event.code === 'KeyX'
