import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, until } from './support/cloud.ts'
import { apiOf, newPerson, type Person } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'

/** Volumes are deleted and taken back, made images and given from project to project; no guest is needed for that. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
let giver: Person
let api: Api
let page: Page
let problems: string[]

test.beforeAll(async ({ browser }) => {
  giver = await newPerson(cloud)
  api = await apiOf(cloud, giver)
  for (const name of ['data', 'other']) await api.volumes.create.mutate({ name, sizeGib: 2 })
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, giver.name, giver.password)
})
test.afterAll(() => page.close())

const deleted = (at = page) => at.getByRole('region', { name: 'Deleted, can be taken back' })
async function act(name: string, action: string, at = page): Promise<void> {
  await row(at, name)
    .getByRole('button', { name: `Actions of ${name}` })
    .click()
  await at.getByRole('menuitem', { name: action, exact: true }).click()
}
/** Deletes the volume from the list. */
async function remove(): Promise<void> {
  await visit(page, '/volumes')
  await act('data', 'Delete')
  const question = page.getByRole('dialog', { name: 'Delete “data”?' })
  await expect(question.getByText('All data on its 2 GiB is deleted in 10 minutes.')).toBeVisible()
  await question.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(deleted()).toBeVisible()
  await expect(row(page, 'data')).toHaveCount(0)
}
async function ofDeleted(action: string): Promise<void> {
  await deleted().getByRole('button', { name: 'Actions of data' }).click()
  await page.getByRole('menuitem', { name: action }).click()
}

const idOf = async (name: string) =>
  (await api.volumes.list.query({})).items.find((one) => one.name === name)?.id ?? ''
const toast = () => page.locator('.mantine-Notification-root')

test('the entries of a menu have one order, in the list and on the page, and dangerous ones come last', async () => {
  const entries = async (button: string) => {
    await page.getByRole('button', { name: button }).click()
    await expect(page.getByRole('menuitem').first()).toBeFocused()
    expect(await problemsOf(page)).toEqual([])
    const words = await page.getByRole('menuitem').allInnerTexts()
    await page.keyboard.press('Escape')
    return words.map((text) => text.split('\n')[0])
  }
  await visit(page, '/volumes')
  await expect(row(page, 'other').getByText('Available')).toBeVisible()
  const kept = ['Back up', 'Copy', 'Make an image']
  const changed = ['Edit', 'Change type', 'Transfer to another project']
  const last = ['Write an image onto it', 'Delete']
  expect(await entries('Actions of other')).toEqual([
    ...['Attach', 'Extend', 'Take snapshot'],
    ...[...kept, ...changed, ...last],
  ])
  await page.setViewportSize({ width: 1280, height: 480 })
  await page.getByRole('button', { name: 'Actions of other' }).click()
  await expect(page.getByRole('menuitem', { name: 'Delete' })).toBeInViewport({ ratio: 1 })
  const entriesAbove = page.getByRole('menuitem', { name: 'Edit' }).locator('xpath=..')
  expect(await entriesAbove.evaluate((box) => box.scrollHeight - box.clientHeight)).toBeGreaterThan(0)
  // A shadow at its end says that there is more.
  await expect(entriesAbove).toHaveCSS('background-attachment', 'local, local, scroll, scroll')
  await page.keyboard.press('Escape')
  await page.setViewportSize({ width: 1440, height: 900 })
  await visit(page, `/volumes/${await idOf('other')}`)
  expect(await entries('More actions')).toEqual([...kept, ...changed, ...last])
})

test('the message that an image of a volume is made leads to the image', async () => {
  await visit(page, '/volumes')
  await act('other', 'Make an image')
  const panel = page.getByRole('dialog', { name: 'Make an image of other' })
  await panel.getByLabel('Name').fill('of other')
  await panel.getByRole('button', { name: 'Make an image', exact: true }).click()
  const ended = toast().filter({ hasText: '“other” has an image of its data' })
  await ended.getByRole('button', { name: 'Open the image' }).click({ timeout: 120_000 })
  await expect(page.getByRole('heading', { name: 'of other', level: 1 })).toBeVisible()
  await expect(ended).toHaveCount(0)
  for (const { id } of (await api.images.list.query({ search: 'of other' })).items)
    await api.images.delete.mutate({ id })
})

test('the list of deleted snapshots names their volumes', async () => {
  const { id } = await api.volumes.snapshots.create.mutate({ volumeId: await idOf('other'), name: 'before' })
  await until('the snapshot is there', 60_000, async () => {
    return (await api.volumes.snapshots.get.query({ id })).state === 'available'
  })
  await api.volumes.snapshots.delete.mutate({ id })
  await visit(page, '/volume-snapshots')
  await expect(deleted().getByRole('link', { name: 'other', exact: true })).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await visit(page, `/volume-snapshots/${id}`)
  await page.getByRole('button', { name: 'Take back' }).click()
  await expect(page.getByRole('heading', { name: 'before', level: 1 })).toBeVisible()
  await api.volumes.snapshots.delete.mutate({ id })
  await api.volumes.snapshots.trash.end.mutate({ id })
  await until('the snapshot is gone', 60_000, async () => {
    return (await api.volumes.snapshots.trash.list.query({})).items.length === 0
  })
})

test('a deleted volume comes back from the message, from the history and from its page', async () => {
  await remove()
  await toast().getByRole('button', { name: 'Take back' }).click()
  await expect(row(page, 'data').getByText('Available')).toBeVisible()
  await expect(deleted()).toHaveCount(0)

  await remove()
  await visit(page, '/operations')
  await page.getByRole('button', { name: 'Delete volume', exact: true }).first().click()
  const panel = page.getByRole('dialog', { name: 'Delete volume' })
  await panel.getByRole('button', { name: 'Take back' }).click()
  await expect(panel.getByRole('button', { name: 'Take back' })).toHaveCount(0)
  await visit(page, '/volumes')
  await expect(row(page, 'data')).toBeVisible()

  const id = await idOf('data')
  await remove()
  await visit(page, `/volumes/${id}`)
  await expect(page.getByRole('heading', { name: 'Not found' })).toBeVisible()
  await page.getByRole('button', { name: 'Take back' }).click()
  await expect(page.getByRole('heading', { name: 'data', level: 1 })).toBeVisible()
})

test('the list shows what can be taken back, with its room, and ends it when asked', async () => {
  await remove()
  await expect(deleted().getByText('They still count in the quota, with 2 GiB')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await ofDeleted('Take back')
  await expect(row(page, 'data')).toBeVisible()

  await remove()
  await ofDeleted('Delete now')
  const question = page.getByRole('dialog', { name: 'Delete “data” now?' })
  await question.getByRole('button', { name: 'Delete now' }).click()
  await expect(deleted()).toHaveCount(0, { timeout: 120_000 })
})

test('a volume is offered, withdrawn, offered again, and accepted in another project', async ({
  browser,
}) => {
  const offer = async () => {
    await visit(page, '/volumes')
    await act('other', 'Transfer to another project')
    const panel = page.getByRole('dialog', { name: 'Transfer other to another project' })
    await panel.getByRole('button', { name: 'Offer the volume' }).click()
    await expect(panel.getByText('Keep the key: it is shown only now')).toBeVisible()
    const shown = panel.locator('code')
    const [id, key] = [await shown.nth(0).innerText(), await shown.nth(1).innerText()]
    await page.keyboard.press('Escape')
    await expect(row(page, 'other').getByText('Offered')).toBeVisible()
    return { id, key }
  }
  await offer()
  await act('other', 'Withdraw the offer')
  await expect(row(page, 'other').getByText('Available')).toBeVisible()
  const { id, key } = await offer()

  const taker = await newPerson(cloud)
  const there = await browser.newPage()
  await signIn(there, taker.name, taker.password)
  await visit(there, '/volumes')
  await there.getByRole('button', { name: 'Accept a volume' }).click()
  const panel = there.getByRole('dialog', { name: 'Accept a volume' })
  await panel.getByLabel('ID of the transfer').fill(id)
  await panel.getByRole('textbox', { name: 'Key', exact: true }).fill('a wrong one')
  await panel.getByRole('button', { name: 'Accept', exact: true }).click()
  await expect(panel.getByText('No offer has this ID and this key.')).toBeVisible()
  await panel.getByRole('textbox', { name: 'Key', exact: true }).fill(key)
  await panel.getByRole('button', { name: 'Accept', exact: true }).click()
  await expect(row(there, 'other').getByText('Available')).toBeVisible()
  await expect(row(page, 'other')).toHaveCount(0)
  await there.close()
  expect(problems).toEqual([])
})
