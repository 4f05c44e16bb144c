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

test('one click makes a network with a way out, and the other browser sees the network', async () => {
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

test('the form for a network shows an error at the field of a wrong range', async () => {
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

test('a deletion on the page of a thing leads back to the list, and a list page that no longer exists to the first page', async () => {
  await visit(page, '/networks?after=zzz')
  await expect(page.getByText(/^The page that you asked for is not there any more/)).toBeVisible()
  await page.getByRole('link', { name: 'mine', exact: true }).click()
  await expect(page).toHaveTitle('mine · Stratolith')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('heading', { name: 'Networks', level: 1 })).toBeVisible()
  await expect(other.getByRole('link', { name: 'mine', exact: true })).toHaveCount(0)
})

test('a floating IP is allocated and released', async () => {
  await visit(other, '/floating-ips')
  await visit(page, '/floating-ips?create=1')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Allocate|Create/ })
    .click()
  await expect(other.getByText(/^172\.24\./).first()).toBeVisible()
  await visit(page, '/floating-ips')
  const box = page.getByRole('checkbox', { name: /^Select 172/ }).first()
  const before = await box.boundingBox()
  await box.check()
  const release = async () => {
    await page
      .getByRole('toolbar', { name: 'Selected rows' })
      .getByRole('button', { name: /Release|Delete/ })
      .click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /Release|Delete/ })
      .click()
  }
  expect(await box.boundingBox(), 'rows stay where they are').toEqual(before)
  await page.context().setOffline(true)
  await expect(page.getByRole('status', { name: /^Offline/ })).toBeVisible()
  await release()
  await expect(page.getByText(/The portal does not answer/).first()).toBeVisible()
  await page.context().setOffline(false)
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
  await expect(box, 'what was clicked meanwhile is not done later').toBeVisible()
  await box.check()
  await release()
  await expect(other.getByText(/^172\.24\./)).toHaveCount(0)
})
