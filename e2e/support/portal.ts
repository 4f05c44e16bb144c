import { type Browser, expect, type Locator, type Page } from '@playwright/test'

/** Signs in at the portal. The helpers of this file find elements only by their roles and labels. */
export async function signIn(page: Page, user: string, password: string): Promise<void> {
  await page.goto('/')
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible()
}

/** Loads a page and waits until its scripts run: an earlier click may be lost. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
}

/** Opens another browser with separate cookies and streams, and signs in. */
export async function newBrowser(browser: Browser, user: string, password: string): Promise<Page> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await signIn(page, user, password)
  return page
}

export const row = (page: Page, name: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })

/** Collects the problems in the page's console: a thrown error, a refused script, a hydration warning. */
export function watchProblems(page: Page): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/the server responded with a status of (4|5)\d\d/.test(message.text()))
      problems.push(message.text())
  })
  return problems
}

/** The text of the serial terminal, as a person reads it. */
export const terminalText = (page: Page): Promise<string> =>
  page
    .getByRole('region', { name: 'Serial console' })
    .locator('.xterm-rows > div')
    .allInnerTexts()
    .then((lines) => lines.join('\n'))

/** The number of colours in a console's picture, and a short print of the picture, which changes with it. */
export async function picture(page: Page): Promise<{ colours: number; print: string }> {
  return page
    .getByRole('region', { name: 'VNC console' })
    .locator('canvas')
    .evaluate(async (element) => {
      const canvas = element as HTMLCanvasElement
      const { width, height } = canvas
      // The console is connected, and no picture has arrived yet.
      if (width === 0 || height === 0) return { colours: 0, print: '' }
      const data = canvas.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray()
      const colours = new Set<number>()
      let sum = 0
      for (let i = 0; i < data.length; i += 4) {
        const colour = ((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0)
        colours.add(colour)
        sum = (Math.imul(sum, 31) + colour) | 0
      }
      return { colours: colours.size, print: `${width}x${height}:${sum}` }
    })
}
