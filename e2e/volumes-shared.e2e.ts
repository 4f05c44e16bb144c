import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn, until } from './support/cloud.ts'
import { launchGuests } from './support/guests.ts'
import { apiOf, newPerson } from './support/people.ts'
import { signIn, visit, watchProblems } from './support/portal.ts'

/** An encrypted volume and one of several instances are chosen and attached, and a volume that a pool has is taken over. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
const tag = crypto.randomUUID().slice(0, 6)
const [secret, shared] = [`secret-${tag}`, `shared-${tag}`]
let admin: Api
let api: Api
let page: Page
let problems: string[]
let guests: string[] = []

test.beforeAll(async ({ browser }) => {
  admin = (await signedIn(cloud, 'admin')).api
  await admin.volumes.types.create.mutate({ name: secret, encrypted: true })
  await admin.volumes.types.create.mutate({ name: shared, extraSpecs: { multiattach: '<is> True' } })
  const person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  guests = await launchGuests(api, 'twin', 2)
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
})
test.afterAll(async () => {
  await page.close()
  // The host has room for a few guests only, and types go after their volumes.
  for (const id of guests) await api.compute.instances.delete.mutate({ id })
  const left = async () => (await api.volumes.list.query({})).items
  await until('no instance has a volume', 120_000, async () =>
    (await left()).every(({ state }) => state === 'available'),
  )
  for (const { id } of await left()) {
    await admin.volumes.delete.mutate({ id })
    await admin.volumes.trash.end.mutate({ id })
  }
  await until('the types are gone', 60_000, async () => {
    const { items } = await admin.volumes.types.list.query({ search: tag })
    await Promise.allSettled(items.map(({ id }) => admin.volumes.types.delete.mutate({ id })))
    return items.length === 0
  })
})

async function make(name: string, type: string): Promise<void> {
  await visit(page, '/volumes')
  await page.getByRole('button', { name: 'Create volume', exact: true }).first().click()
  const panel = page.getByRole('dialog', { name: 'Create volume' })
  await panel.getByLabel('Name').fill(name)
  await panel.getByRole('combobox', { name: 'Type' }).click()
  await page.getByRole('option', { name: type }).click()
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('link', { name, exact: true }).click()
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
  await expect(page.getByRole('main').getByText('Available', { exact: true }).first()).toBeVisible()
}
async function attach(name: string, instance: string): Promise<void> {
  await page.getByRole('button', { name: 'Attach', exact: true }).click()
  const panel = page.getByRole('dialog', { name: `Attach ${name}` })
  await panel.getByRole('combobox', { name: 'Instance' }).click()
  await page.getByRole('option', { name: instance }).click()
  await panel.getByRole('button', { name: 'Attach', exact: true }).click()
  await expect(panel).toHaveCount(0)
}
const isInUse = () =>
  expect(page.getByRole('main').getByText('In use', { exact: true }).first()).toBeVisible({
    timeout: 120_000,
  })

test('a guest uses an encrypted volume, which never becomes a plain one', async () => {
  await make('vault', secret)
  await expect(page.getByRole('main').getByText('Encrypted', { exact: true })).toBeVisible()
  await attach('vault', 'twin-1')
  await isInUse()
  await expect(page.getByText('How to use this disk')).toBeVisible()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Change type' }).click()
  const panel = page.getByRole('dialog', { name: 'Change type of vault' })
  await panel.getByRole('combobox', { name: 'Type' }).click()
  const plain = page.getByRole('option', { name: /^Standard: Its volumes are not encrypted/ })
  await expect(plain).toHaveAttribute('aria-disabled', 'true')
  await page.keyboard.press('Escape')
  expect(await problemsOf(page)).toEqual([])
})

test('two instances have one volume, and each of them gives it back', async () => {
  await make('cluster', shared)
  await expect(page.getByText('For several instances')).toBeVisible()
  for (const name of ['twin-1', 'twin-2']) {
    await attach('cluster', name)
    await expect(page.getByRole('link', { name, exact: true })).toBeVisible()
    await isInUse()
  }
  expect(await problemsOf(page)).toEqual([])
  expect(problems).toEqual([])
})

test('a volume that was left to its pool is taken over with a project and a name', async ({ browser }) => {
  const { id } = await admin.volumes.create.mutate({ name: `left-${tag}`, sizeGib: 1 })
  await until('the volume is available', 60_000, async () => {
    return (await admin.volumes.get.query({ id })).state === 'available'
  })
  const { pool } = await admin.volumes.get.query({ id })
  await admin.volumes.manage.leave.mutate({ id })
  const own = await browser.newPage()
  const found = watchProblems(own)
  await signIn(own, 'admin', cloud.password('admin'))
  await visit(own, `/admin/volume-pools/${encodeURIComponent(pool ?? '')}`)
  const unknown = own.getByRole('table', { name: 'Volumes that the cloud does not know' })
  await expect(unknown.getByText(id)).toBeVisible()
  expect(await problemsOf(own)).toEqual([])
  await own.getByRole('button', { name: `Actions of ${id}` }).click()
  await own.getByRole('menuitem', { name: 'Take over' }).click()
  const panel = own.getByRole('dialog', { name: 'Take a volume over' })
  await panel.getByRole('combobox', { name: 'Project' }).fill('admin')
  await own
    .getByRole('option', { name: /^admin/ })
    .first()
    .click()
  await panel.getByLabel('Name').fill(`again-${tag}`)
  expect(await problemsOf(own)).toEqual([])
  await panel.getByRole('button', { name: 'Take over', exact: true }).click()
  await expect(own.getByRole('heading', { name: `again-${tag}`, level: 1 })).toBeVisible()
  await expect(own.getByRole('main').getByText('Available', { exact: true }).first()).toBeVisible()
  await admin.volumes.delete.mutate({ id })
  await admin.volumes.trash.end.mutate({ id })
  expect(found).toEqual([])
  await own.close()
})
