import fs from 'node:fs'
import path from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn } from './support/cloud.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'

/** An administrator makes a pool in a folder, and a volume moves there by its type and back by hand. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
const tag = crypto.randomUUID().slice(0, 6)
const folder = path.join('/srv', `stratolith-${tag}`)
const type = `fast-${tag}`
const volume = `data-${tag}`
let admin: Api
let page: Page
let pool: string
let problems: string[]

test.beforeAll(async ({ browser }) => {
  admin = (await signedIn(cloud, 'admin')).api
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, 'admin', cloud.password('admin'))
})
test.afterAll(async () => {
  await page.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

test('a pool is made in a folder, and the machine says why a folder will not do', async () => {
  await visit(page, '/admin/volume-pools')
  await page.getByRole('button', { name: 'Create volume pool' }).click()
  const panel = page.getByRole('dialog', { name: 'Create volume pool' })
  await panel.getByLabel('Name').fill(type)
  await panel.getByRole('textbox', { name: 'Folder' }).fill(folder)
  await panel.getByRole('combobox', { name: 'Machine' }).click()
  await page.getByRole('option').first().click()
  await panel.getByLabel('Capacity').fill('10')
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(panel.getByText(/is not on this host/)).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  fs.mkdirSync(folder, { mode: 0o755 })
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  const heading = page.getByRole('heading', { name: `@${type}`, level: 1 })
  await expect(heading).toBeVisible()
  pool = await heading.innerText()
  const machines = page.getByRole('region', { name: 'Machines' })
  await expect(machines.getByText('Yes', { exact: true })).toBeVisible()
  await expect(page.getByText('Promised to volumes and snapshots')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
})

test('a volume moves to the pool of its new type, and back to the disk of the machine', async () => {
  await admin.volumes.types.create.mutate({ name: type, extraSpecs: { volume_backend_name: type } })
  const made = await admin.volumes.create.mutate({ name: volume, sizeGib: 1 })
  await visit(page, `/volumes/${made.id}`)
  await expect(page.getByText('Available').first()).toBeVisible()
  const menu = () => page.getByRole('button', { name: 'More actions' })
  await menu().click()
  await page.getByRole('menuitem', { name: 'Change type' }).click()
  const retype = page.getByRole('dialog', { name: `Change type of ${volume}` })
  await retype.getByRole('combobox', { name: 'Type' }).click()
  await page.getByRole('option', { name: type }).click()
  await retype.getByRole('button', { name: 'Change', exact: true }).click()
  await expect(retype.getByText(/lie in other pools/)).toBeVisible()
  await retype.getByLabel('Move it to another pool if the type asks for that').check()
  await expect(retype.getByText('--retype-policy on-demand')).toBeVisible()
  await retype.getByRole('button', { name: 'Change', exact: true }).click()
  await expect.poll(async () => (await admin.volumes.get.query({ id: made.id })).pool).toBe(pool)
  expect(fs.readdirSync(folder)).toHaveLength(1)

  await admin.volumes.retype.mutate({ id: made.id, type: 'Standard' })
  await page.reload()
  await menu().click()
  await page.getByRole('menuitem', { name: 'Move to another pool' }).click()
  const move = page.getByRole('dialog', { name: `Move ${volume} to another pool` })
  await move.getByRole('combobox', { name: 'Pool' }).click()
  await page
    .getByRole('option', { name: /@local$/ })
    .first()
    .click()
  await move.getByRole('button', { name: 'Move', exact: true }).click()
  await expect.poll(async () => (await admin.volumes.get.query({ id: made.id })).pool).toMatch(/@local$/)
  await admin.volumes.delete.mutate({ id: made.id })
  await admin.volumes.trash.end.mutate({ id: made.id })
  expect(await problemsOf(page)).toEqual([])
})

test('a pool without volumes is deleted, and its folder is empty again', async () => {
  await visit(page, '/admin/volume-pools')
  await row(page, pool)
    .getByRole('button', { name: `Actions of ${pool}` })
    .click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(row(page, pool)).toHaveCount(0)
  await expect.poll(() => fs.readdirSync(folder)).toEqual([])
  const found = (await admin.volumes.types.list.query({ search: type })).items[0]
  if (found) await admin.volumes.types.delete.mutate({ id: found.id })
  expect(problems).toEqual([])
})
