import fs from 'node:fs/promises'
import { expect, type Page, test } from '@playwright/test'
import { findCloud, signedIn } from './support/cloud.ts'
import { apiOf, newPerson } from './support/people.ts'
import { newBrowser, signIn, visit } from './support/portal.ts'

test.describe.configure({ mode: 'serial' })
const cloud = findCloud()
let page: Page

/** More than a page of fifty. */
const count = 61
const nameOf = (n: number) => `key-${String(n).padStart(2, '0')}`

test.beforeAll(async ({ browser }) => {
  const person = await newPerson(cloud)
  const { compute, networking } = await apiOf(cloud, person)
  for (let n = 1; n <= count; n++) await compute.keyPairs.create.mutate({ name: nameOf(n) })
  await networking.networks.create.mutate({ name: 'made-for-its-operation' })
  page = await browser.newPage()
  await signIn(page, person.name, person.password)
})
test.afterAll(() => page.close())

const cell = (name: string) => page.getByRole('cell', { name, exact: true })
const shows = async (text: string) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible()
const turn = (name: string) => page.getByRole('button', { name, exact: true }).click()

test('the newest fifty come first, and the others are a page away, there and back', async () => {
  await visit(page, '/key-pairs')
  await shows('1–50 of 61 key pairs')
  await expect(cell('key-61')).toBeVisible()
  await expect(cell('key-01')).toHaveCount(0)
  await turn('Next page')
  await shows('51–61 of 61 key pairs')
  await expect(cell('key-01')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Next page' })).toBeDisabled()
  await turn('Previous page')
  await shows('1–50 of 61 key pairs')
  await expect(page.getByRole('button', { name: 'Previous page' })).toBeDisabled()
})

test('the server sorts the whole list, and the address says how', async () => {
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click()
  await expect(page.getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'ascending')
  // Of all, not of the fifty that were shown.
  await expect(page.getByRole('row').nth(1)).toContainText('key-01')
  await turn('Next page')
  await expect(page.getByRole('row').nth(1)).toContainText('key-51')
  await expect(page).toHaveURL(/sort=name&after=/)
  await page.reload()
  await shows('51–61 of 61 key pairs')
  await expect(page.getByRole('row').nth(1)).toContainText('key-51')
  await page.goBack()
  await expect(page.getByRole('row').nth(1)).toContainText('key-01')
})

test('a row that goes while somebody reads moves no other to another page', async () => {
  await visit(page, '/key-pairs?sort=name')
  await turn('Next page')
  await shows('51–61 of 61 key pairs')
  await page.getByRole('button', { name: 'Actions of key-51' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await shows('51–60 of 60 key pairs')
  await expect(page.getByRole('row').nth(1)).toContainText('key-52')
  await turn('Previous page')
  await expect(page.getByRole('row').nth(50)).toContainText('key-50')
})

test('a search is answered from the whole list, and “Show all” takes it away', async () => {
  await page.getByRole('searchbox').fill('key-0')
  await shows('9 key pairs')
  await page.reload()
  await shows('9 key pairs')
  await turn('Show all')
  await shows('1–50 of 60 key pairs')
})

test('columns are chosen and stay so; the file has the whole list', async () => {
  await page.getByRole('button', { name: 'Columns and download' }).click()
  await page.getByRole('checkbox', { name: 'Fingerprint' }).uncheck()
  await expect(page.getByRole('columnheader', { name: 'Fingerprint' })).toHaveCount(0)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download as CSV' }).click()
  const text = await fs.readFile(await (await download).path(), 'utf8')
  expect(text.split('\r\n')[0]).toBe('ID,Name,Type,Fingerprint,Public key,Created')
  expect(text.trim().split('\r\n')).toHaveLength(61)
  await page.reload()
  await shows('1–50 of 60 key pairs')
  await expect(page.getByRole('columnheader', { name: 'Fingerprint' })).toHaveCount(0)
})

test('headings stay in sight while the rows of a page go by', async () => {
  await visit(page, '/key-pairs')
  await cell('key-12').scrollIntoViewIfNeeded()
  await expect(page.getByRole('columnheader', { name: 'Name' })).toBeInViewport()
})

test('a filter stands in the address', async () => {
  await visit(page, '/operations')
  const made = page.getByRole('link', { name: 'made-for-its-operation' })
  await expect(made).toBeVisible()
  await page.getByLabel('State', { exact: true }).selectOption('failed')
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await expect(page).toHaveURL(/state=failed/)
  await page.getByLabel('State', { exact: true }).selectOption('succeeded')
  await expect(made).toBeVisible()
  await page.reload()
  await expect(page.getByLabel('State', { exact: true })).toHaveValue('succeeded')
  await expect(made).toBeVisible()
})

test('instances have filters that look for images, sizes and networks by their names', async () => {
  // A list without things has no filters, but a search that finds nothing has.
  await visit(page, '/instances?search=nowhere')
  await page.getByRole('button', { name: 'More filters' }).click()
  await page.getByRole('combobox', { name: 'Network' }).click()
  await page.getByRole('option', { name: 'made-for-its-operation' }).click()
  await expect(page).toHaveURL(/network=[\da-f-]{36}/)
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await expect(page.getByRole('button', { name: 'More filters (1)' })).toBeVisible()
})

test('an administrator turns the pages of the audit log, and sorts hosts and role assignments', async ({
  browser,
}) => {
  const { directory } = (await signedIn(cloud, 'admin')).api
  const tag = crypto.randomUUID().slice(0, 8)
  // With the key pairs above there are more events than a page has.
  for (let n = 1; n <= 45; n++) await directory.groups.create.mutate({ name: `group-${tag}-${n}` })
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  const status = (text: RegExp) => expect(admin.getByRole('status').filter({ hasText: text })).toBeVisible()
  const button = (name: string) => admin.getByRole('button', { name, exact: true })

  await visit(admin, '/admin/audit')
  await status(/^1–100 of [\d,]+\+? events$/)
  await expect(button('Previous page')).toBeDisabled()
  await button('Next page').click()
  // Events that other specs make meanwhile stand before the page.
  await status(/^1\d\d–[\d,]+ of [\d,]+\+? events$/)
  await admin.reload()
  await status(/^1\d\d–/)
  await button('Previous page').click()
  await status(/^[1-9]\d?–1\d\d of/)

  await visit(admin, '/admin/hosts')
  await admin.getByRole('columnheader', { name: 'Memory' }).getByRole('button').click()
  await expect(admin).toHaveURL(/sort=memory/)
  await status(/^\d+ hosts?$/)
  await expect(admin.getByRole('columnheader', { name: 'Memory' })).toHaveAttribute('aria-sort', 'ascending')

  await visit(admin, '/admin/assignments?sort=role')
  await status(/ of [\d,]+ role assignments$|^\d+ role assignments$/)
  // The project of an assignment may be called admin, too.
  const role = admin
    .getByRole('row')
    .nth(1)
    .locator('[data-column="role"]')
    .getByText('admin', { exact: true })
  await expect(role).toBeVisible()
  await admin.getByRole('columnheader', { name: 'Role' }).getByRole('button').click()
  await expect(admin.getByRole('columnheader', { name: 'Role' })).toHaveAttribute('aria-sort', 'descending')
  await expect(role).toHaveCount(0)
  await admin.context().close()
})
