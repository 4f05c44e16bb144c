import { expect, type Page } from '@playwright/test'
import { type Api, until } from './cloud.ts'
import { terminalText, visit } from './portal.ts'

/** Typing as root into the serial console of guests of the tiny image. */

const bootMs = 600_000

/** User data: the image's user may mount nothing, so root gets the password of the user at the first boot. */
export const rootScript = `#!/bin/sh
sed -i "s|^root:[^:]*|root:$(sed -n 's/^tiny:\\([^:]*\\):.*/\\1/p' /etc/shadow)|" /etc/shadow
echo "[tiny] root has a password" >/dev/console
`
const password = 'tinycloud'

export const serial = (page: Page) => page.getByRole('region', { name: 'Serial console' })

export async function typeLine(page: Page, text: string): Promise<void> {
  await serial(page).getByRole('textbox').first().focus()
  await page.keyboard.type(`${text}\n`, { delay: 20 })
}

export const says = (page: Page, text: RegExp, timeout = 120_000) =>
  expect.poll(() => terminalText(page), { timeout }).toMatch(text)

/** Opens the serial console of a guest as root. `word`: what the guest has said when root can log in. */
export async function rootShell(
  page: Page,
  api: Api,
  id: string,
  word = 'root has a password',
): Promise<void> {
  await until(`the guest says “${word}”`, bootMs, async () => {
    const { text } = await api.compute.instances.consoleLog.query({ id })
    return text.includes(word)
  })
  await visit(page, `/instances/${id}?tab=serial`)
  await expect(serial(page).getByText('Connected', { exact: true })).toBeVisible()
  await typeLine(page, '')
  await says(page, /login:\s*$/, bootMs)
  await typeLine(page, 'root')
  await says(page, /Password:\s*$/)
  await typeLine(page, password)
  await says(page, /#\s*$/)
}
