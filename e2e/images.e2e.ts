import crypto from 'node:crypto'
import fs from 'node:fs'
import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { newPerson } from './support/people.ts'
import { newBrowser, row, visit } from './support/portal.ts'

test.describe.configure({ mode: 'serial' })
const cloud = findCloud()
let page: Page
let other: Page

test.beforeAll(async ({ browser }) => {
  const person = await newPerson(cloud)
  page = await newBrowser(browser, person.name, person.password)
  other = await newBrowser(browser, person.name, person.password)
  await visit(other, '/images')
})
test.afterAll(async () => {
  await page.context().close()
  await other.context().close()
})

async function upload(name: string, bytes: Buffer): Promise<void> {
  const file = test.info().outputPath(name)
  fs.mkdirSync(test.info().outputDir, { recursive: true })
  fs.writeFileSync(file, bytes)
  await visit(page, '/images?create=1')
  await page.locator('input[type=file]').first().setInputFiles(file)
  const panel = page.getByRole('dialog')
  await panel
    .getByRole('button', { name: /Create|Upload/ })
    .last()
    .click()
}

test('the other browser sees an upload become active, and its checksum is that of the file', async () => {
  const bytes = Buffer.concat([Buffer.alloc(512), crypto.randomBytes(4 * 1024 * 1024)])
  await upload('disk.raw', bytes)
  await expect(row(other, 'disk')).toContainText('Active', { timeout: 120_000 })
  await other.getByRole('link', { name: 'disk', exact: true }).click()
  await expect(
    other.getByText(crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 12)).first(),
  ).toBeVisible()
})

test('a disk image that refers to another file is refused with the reason', async () => {
  await visit(other, '/images')
  // Padded to a valid length of a disk, because a file shorter than one block is refused before it is sent.
  const text = '# Disk DescriptorFile\nversion=1\nRW 1 FLAT "/etc/passwd" 0\n'
  await upload('evil.raw', Buffer.from(text.padEnd(1024, '\n')))
  await expect(page.getByText(/VMDK/).first()).toBeVisible()
  await expect(row(other, 'evil')).toContainText(/Killed|Refused|Failed/i)
})

test('an image that is shared with another project is offered there, accepted, and taken back', async ({
  browser,
}) => {
  const guest = await newPerson(cloud)
  const theirs = await newBrowser(browser, guest.name, guest.password)
  await visit(theirs, '/images')
  await visit(page, '/images')
  await page.getByRole('link', { name: 'disk', exact: true }).click()
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Visibility').selectOption('Shared')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('tab', { name: 'Sharing' }).click()
  await page.getByLabel('ID of the project to share with').fill(guest.projectId)
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await expect(page.getByRole('row').filter({ hasText: guest.projectId })).toContainText('Not answered yet')
  expect(await problemsOf(page)).toEqual([])

  await expect(theirs.getByText('Another project shares an image with yours')).toBeVisible()
  expect(await problemsOf(theirs)).toEqual([])
  await expect(row(theirs, 'disk')).toHaveCount(0)
  await theirs.getByRole('button', { name: 'Accept' }).click()
  await expect(row(theirs, 'disk')).toContainText('Shared with you')
  await expect(page.getByRole('row').filter({ hasText: guest.projectId })).toContainText('Accepted')

  await page.getByRole('row').filter({ hasText: guest.projectId }).getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Share no longer' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Share no longer' }).click()
  await expect(row(theirs, 'disk')).toHaveCount(0)
  await theirs.context().close()
})
