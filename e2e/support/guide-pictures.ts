import fs from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'

const folder = path.resolve(import.meta.dirname, '../../docs/guide/pictures')
/** `GUIDE_PICTURES=1`: the pictures of the guide are written anew. Else the tests look at the same pages and write nothing. */
const writes = process.env.GUIDE_PICTURES === '1'

/** A picture of the page as it is now, for the page of docs/guide that shows `pictures/NAME.webp`. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (!writes) return
  // Playwright writes PNG and JPEG alone; a WebP of a page is a third of its PNG.
  const browser = await page.context().newCDPSession(page)
  const { data } = await browser.send('Page.captureScreenshot', { format: 'webp', quality: 82 })
  await browser.detach()
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(path.join(folder, `${name}.webp`), Buffer.from(data, 'base64'))
}
