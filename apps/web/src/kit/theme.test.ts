import { describe, expect, it } from 'vitest'
import { roles } from './theme.ts'

/** The contrast of two colours by WCAG 2.2. */
function contrast(one: string, other: string): number {
  const [more = 0, less = 0] = [brightness(one), brightness(other)].toSorted((a, b) => b - a)
  return (more + 0.05) / (less + 0.05)
}
function brightness(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
const readable = 4.5
const { gray, dark, ...coloured } = roles

describe('colours of text', () => {
  it.each(Object.entries(coloured))('%s: words, buttons and pale grounds', (_, shades) => {
    expect(contrast(shades[7], '#ffffff'), 'on a card, and white on a button').toBeGreaterThanOrEqual(
      readable,
    )
    expect(contrast(shades[7], gray[1]), 'on the ground by day').toBeGreaterThanOrEqual(readable)
    expect(contrast(shades[9], shades[1]), 'on its own pale ground').toBeGreaterThanOrEqual(readable)
    expect(contrast(shades[4], dark[6]), 'on a card by night').toBeGreaterThanOrEqual(readable)
  })
  it('small print is readable', () => {
    expect(contrast(gray[7], gray[1])).toBeGreaterThanOrEqual(readable)
    expect(contrast(dark[1], dark[6])).toBeGreaterThanOrEqual(readable)
  })
  it('words on the chrome around the page are readable', () => {
    for (const shades of [gray, coloured.petrol, coloured.good, coloured.bad])
      expect(contrast(shades[7], gray[2])).toBeGreaterThanOrEqual(readable)
    for (const ink of [dark[1], coloured.petrol[4], coloured.good[4]])
      expect(contrast(ink, dark[9])).toBeGreaterThanOrEqual(readable)
  })
  it('links in a selected row are readable', () => {
    expect(contrast(coloured.petrol[7], coloured.petrol[1])).toBeGreaterThanOrEqual(readable)
  })
  it('the test would find the red of the old theme', () => {
    expect(contrast('#fa5252', '#ffffff')).toBeLessThan(readable)
  })
})
