import { expect, type Page, test } from '@playwright/test'
import { findCloud } from './support/cloud.ts'
import { newPerson } from './support/people.ts'
import { newBrowser, signIn, visit } from './support/portal.ts'

test.describe.configure({ mode: 'serial' })
const cloud = findCloud()
let page: Page
let other: Page

test.beforeAll(async ({ browser }) => {
  const person = await newPerson(cloud)
  page = await browser.newPage()
  await signIn(page, person.name, person.password)
  other = await newBrowser(browser, person.name, person.password)
})
test.afterAll(async () => {
  await page.close()
  await other.context().close()
})

test('one click makes a network with a way out; the other browser sees it', async () => {
  await visit(other, '/networks')
  await visit(page, '/networks')
  await page
    .getByRole('button', { name: /starter network/i })
    .first()
    .click()
  await expect(other.getByRole('link', { name: 'starter-net', exact: true })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'starter-net', level: 1 })).toBeVisible()
  await expect(page.getByRole('link', { name: 'starter-net-router' })).toBeVisible()
  await expect(page.getByText('10.0.0.0/24').first()).toBeVisible()
})

test('a network of one’s own: a wrong range is answered at its field', async () => {
  await visit(page, '/networks?create=1')
  const panel = page.getByRole('dialog')
  await panel.getByRole('textbox', { name: /^Name/ }).first().fill('mine')
  await panel
    .getByLabel(/CIDR|range/i)
    .first()
    .fill('10.9.0.0/40')
  await panel.getByRole('button', { name: 'Create' }).click()
  await expect(panel.getByText(/10\.0\.0\.0\/24|prefix|range/i).first()).toBeVisible()
  await panel
    .getByLabel(/CIDR|range/i)
    .first()
    .fill('10.9.0.0/24')
  await panel.getByRole('button', { name: 'Create' }).click()
  await expect(other.getByRole('link', { name: 'mine', exact: true })).toBeVisible()
})

test('a floating IP is taken and given back', async () => {
  await visit(other, '/floating-ips')
  await visit(page, '/floating-ips?create=1')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Allocate|Create/ })
    .click()
  await expect(other.getByText(/^172\.24\./).first()).toBeVisible()
  await visit(page, '/floating-ips')
  await page
    .getByRole('checkbox', { name: /^Select 172/ })
    .first()
    .check()
  await page
    .getByRole('toolbar', { name: 'Selected rows' })
    .getByRole('button', { name: /Release|Delete/ })
    .click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Release|Delete/ })
    .click()
  await expect(other.getByText(/^172\.24\./)).toHaveCount(0)
})
