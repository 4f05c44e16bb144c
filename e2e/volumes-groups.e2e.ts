import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn, until } from './support/cloud.ts'
import { apiOf, newPerson } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'

/** A member keeps two volumes together in a group, and an administrator makes a type of groups. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
const type = `pairs-${crypto.randomUUID().slice(0, 6)}`
let api: Api
let page: Page
let problems: string[]

test.beforeAll(async ({ browser }) => {
  const person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  for (const name of ['data', 'log']) await api.volumes.create.mutate({ name, sizeGib: 1 })
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, person.name, person.password)
  await until('both volumes are available', 60_000, async () => {
    return (await api.volumes.list.query({ state: 'available' })).items.length === 2
  })
})
test.afterAll(() => page.close())

const members = () => page.getByRole('table', { name: 'Volumes of the group' })
const choose = async (name: string, item: string) => {
  await page.getByRole('button', { name: `Actions of ${name}` }).click()
  await page.getByRole('menuitem', { name: item }).click()
}
const confirm = (label: string) =>
  page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click()

test('a group is made of one volume and gets another, and each page leads to the other', async () => {
  await visit(page, '/volumes')
  await page.getByRole('link', { name: 'Groups', exact: true }).click()
  await page.getByRole('button', { name: 'Create volume group' }).first().click()
  const panel = page.getByRole('dialog', { name: 'Create volume group' })
  await panel.getByLabel('Name').fill('database')
  await panel.getByRole('button', { name: 'Create volume group' }).click()
  await expect(panel.getByText('Choose at least one volume.')).toBeVisible()
  await panel.getByRole('combobox', { name: 'Volumes' }).click()
  await page.getByRole('option', { name: /^data/ }).click()
  await page.keyboard.press('Escape')
  await panel.getByRole('button', { name: 'Create volume group' }).click()
  await expect(page.getByRole('heading', { name: 'database', level: 1 })).toBeVisible()

  await page.getByRole('button', { name: 'Add volumes' }).click()
  const adding = page.getByRole('dialog', { name: 'Add volumes to database' })
  await adding.getByRole('button', { name: 'Add volumes' }).click()
  await expect(adding.getByText('Choose at least one volume.')).toBeVisible()
  await adding.getByRole('combobox', { name: 'Volumes' }).click()
  await page.getByRole('option', { name: /^log/ }).click()
  await page.keyboard.press('Escape')
  await adding.getByRole('button', { name: 'Add volumes' }).click()
  await expect(members().getByText('Available')).toHaveCount(2)
  expect(await problemsOf(page)).toEqual([])

  await page.setViewportSize({ width: 360, height: 800 })
  const words = await page.getByText(/They are deleted, given to other projects/).boundingBox()
  const first = await row(page, 'data').boundingBox()
  expect((first?.y ?? 0) - (words?.y ?? 0) - (words?.height ?? 0), 'a gap before the card').toBeGreaterThan(
    16,
  )
  await page.setViewportSize({ width: 1440, height: 900 })
  await members().getByRole('link', { name: 'log', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'log', level: 1 })).toBeVisible()
  await page.getByRole('link', { name: 'database', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'database', level: 1 })).toBeVisible()
})

test('a snapshot of the group becomes a group of new volumes', async () => {
  await page.getByRole('button', { name: 'Take snapshot' }).click()
  const panel = page.getByRole('dialog', { name: 'Take a snapshot of database' })
  await panel.getByLabel('Name').fill('before')
  await expect(panel.getByText('Volume storage')).toBeVisible()
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  const kept = page.getByRole('table', { name: 'Group snapshots' })
  await expect(kept.getByText('Available')).toBeVisible()
  await expect(kept.getByText('One instant')).toBeVisible()
  await kept.getByRole('link', { name: 'log', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'before', level: 1 })).toBeVisible()
  await page.goBack()
  expect(await problemsOf(page)).toEqual([])
  await choose('before', 'Create group from it')
  const from = page.getByRole('dialog', { name: 'Create a group from before' })
  await from.getByLabel('Name').fill('copy')
  await from.getByRole('button', { name: 'Create volume group' }).click()
  await expect(page.getByRole('heading', { name: 'copy', level: 1 })).toBeVisible()
  const states = async () =>
    (await api.volumes.list.query({})).items.map(({ state, error }) => error ?? state).toSorted()
  await expect.poll(states, { timeout: 120_000 }).toEqual(Array(4).fill('available'))
  await expect(members().getByText('Available')).toHaveCount(2)
  for (const name of ['copy-data', 'copy-log'])
    await expect(members().getByRole('link', { name, exact: true })).toBeVisible()
})

test('groups are deleted after their snapshots, with their volumes if that is wanted', async () => {
  await visit(page, '/volume-groups')
  await choose('copy', 'Delete')
  await page.getByLabel('Delete its volumes, too').check()
  await confirm('Delete')
  await expect(row(page, 'copy')).toHaveCount(0)
  await page.getByRole('button', { name: 'Actions of database' }).click()
  await expect(page.getByRole('menuitem', { name: /^Delete/ })).toContainText('Delete the snapshots first.')
  await page.keyboard.press('Escape')

  await row(page, 'database').getByRole('link', { name: 'database', exact: true }).click()
  await choose('before', 'Delete')
  await expect(page.getByText(/deleted at once and cannot be taken back/)).toBeVisible()
  await confirm('Delete')
  await expect(page.getByRole('heading', { name: 'No snapshots of this group yet' })).toBeVisible()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await confirm('Delete')
  await expect(page.getByRole('heading', { name: 'Volume groups', level: 1 })).toBeVisible()
  const { items } = await api.volumes.list.query({})
  expect(items.map(({ name }) => name).toSorted()).toEqual(['data', 'log'])
  for (const { id } of items) await api.volumes.delete.mutate({ id })
  expect(problems).toEqual([])
})

test('an administrator makes a type of groups, changes its specs and deletes it', async ({ browser }) => {
  const own = await browser.newPage()
  const found = watchProblems(own)
  await signIn(own, 'admin', cloud.password('admin'))
  await visit(own, '/admin/volume-group-types')
  await own.getByRole('button', { name: 'Create volume group type' }).click()
  const panel = own.getByRole('dialog', { name: 'Create volume group type' })
  await panel.getByLabel('Name').fill(type)
  await panel.getByLabel('Description').fill('For databases.')
  await expect(panel.getByText("--description 'For databases.'")).toBeVisible()
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(row(own, type).getByText('everybody')).toBeVisible()
  expect(await problemsOf(own)).toEqual([])

  await row(own, type).getByRole('link', { name: type, exact: true }).click()
  const specs = own.getByRole('region', { name: 'Group specs' })
  await specs.getByLabel('Key').fill('owner')
  await specs.getByLabel('Value').fill('dba')
  await specs.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(specs.getByText('dba')).toBeVisible()
  expect(await problemsOf(own)).toEqual([])
  await own.getByRole('button', { name: 'More actions' }).click()
  await own.getByRole('menuitem', { name: 'Delete' }).click()
  await own.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(own.getByRole('heading', { name: 'Volume group types', level: 1 })).toBeVisible()
  const { api: admin } = await signedIn(cloud, 'admin')
  expect((await admin.volumes.groups.types.list.query()).map(({ name }) => name)).not.toContain(type)
  expect(found).toEqual([])
  await own.close()
})
