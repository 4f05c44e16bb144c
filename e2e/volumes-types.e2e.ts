import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn } from './support/cloud.ts'
import { newPerson } from './support/people.ts'
import { row, signIn, visit, watchProblems } from './support/portal.ts'

/** An administrator makes a type of volumes with a limit, and a member makes a volume of the type. */
test.describe.configure({ mode: 'serial' })

const cloud = findCloud()
const type = `slow-${crypto.randomUUID().slice(0, 6)}`
let admin: Api
let page: Page
let problems: string[]

test.beforeAll(async ({ browser }) => {
  admin = (await signedIn(cloud, 'admin')).api
  page = await browser.newPage()
  problems = watchProblems(page)
  await signIn(page, 'admin', cloud.password('admin'))
})
test.afterAll(() => page.close())

test('an administrator makes a type with a limit, changes the limit and sees the pools', async () => {
  await visit(page, '/admin/volume-types')
  await page.getByRole('button', { name: 'Create volume type' }).click()
  const panel = page.getByRole('dialog', { name: 'Create volume type' })
  await panel.getByLabel('Name').fill(type)
  await panel.getByLabel('Description').fill('For archives.')
  await panel.getByLabel('Operations').fill('500')
  await expect(panel.getByText('--property total_iops_sec=500')).toBeVisible()
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(row(page, type).getByText('500 operations/s')).toBeVisible()

  await row(page, type).getByRole('link', { name: type, exact: true }).click()
  await expect(page.getByRole('heading', { name: type, level: 1 })).toBeVisible()
  await page.getByRole('button', { name: 'Actions of total_iops_sec' }).click()
  await page.getByRole('menuitem', { name: 'Change' }).click()
  const limits = page.getByRole('region', { name: 'Speed limits' })
  await limits.getByLabel('Value').fill('600')
  await limits.getByRole('button', { name: 'Change', exact: true }).click()
  await expect(page.getByText('600 operations/s')).toBeVisible()
  await page.getByRole('tab', { name: 'Access' }).click()
  await expect(page.getByText('It is for everybody: every project may use it for volumes.')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])

  await visit(page, '/admin/volume-pools')
  await page.getByRole('button', { name: 'Look in the stores' }).click()
  const unknown = page.getByRole('region', { name: 'Backups that the cloud does not know' })
  await expect(unknown.getByText(/^As of /)).toBeVisible()
  await page
    .getByRole('link', { name: /@local$/ })
    .first()
    .click()
  await expect(page.getByText('Promised to instances, volumes and snapshots')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Volumes in this pool' })).toBeVisible()
  await page.getByRole('button', { name: 'Compare with the pool' }).click()
  await expect(page.getByText('None: the pool has everything that the cloud takes for there.')).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
})

test('on a phone the pages about volumes are in a menu beside the title', async () => {
  await visit(page, '/admin/volumes')
  const pools = page.getByRole('main').getByRole('link', { name: 'Pools', exact: true })
  await expect(pools).toBeVisible()
  await page.setViewportSize({ width: 360, height: 800 })
  await expect(pools).toBeHidden()
  await page.getByRole('button', { name: 'Pages about volumes' }).click()
  await page.getByRole('menuitem', { name: 'Pools' }).click()
  await expect(page.getByRole('heading', { name: 'Volume pools', level: 1 })).toBeVisible()
  expect(await problemsOf(page)).toEqual([])
  await page.setViewportSize({ width: 1440, height: 900 })
})

test('a member chooses the type, which the form explains, and the volume shows its speed', async ({
  browser,
}) => {
  const person = await newPerson(cloud)
  const own = await browser.newPage()
  await signIn(own, person.name, person.password)
  await visit(own, '/volumes')
  await own.getByRole('button', { name: 'Create volume' }).first().click()
  const panel = own.getByRole('dialog', { name: 'Create volume' })
  await panel.getByLabel('Name').fill('archive')
  await panel.getByRole('combobox', { name: 'Type' }).click()
  await own.getByRole('option', { name: type }).click()
  await expect(panel.getByText('For archives. At most 600 operations/s.')).toBeVisible()
  await panel.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(row(own, 'archive').getByText('Available')).toBeVisible({ timeout: 60_000 })
  await row(own, 'archive').getByRole('link', { name: 'archive', exact: true }).click()
  await expect(own.getByText('600 operations/s')).toBeVisible()
  await own.close()

  await visit(page, '/admin/volume-types')
  await row(page, type)
    .getByRole('button', { name: `Actions of ${type}` })
    .click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(page.getByText(/A volume has this type/)).toBeVisible()
  // Nothing of this test is left: the project of the member goes with its volumes, and then the type goes.
  const { items } = await admin.volumes.list.query({ search: 'archive', allProjects: true })
  for (const one of items.filter((volume) => volume.type.name === type)) {
    await admin.volumes.delete.mutate({ id: one.id })
    // A deleted volume has its type as long as somebody can take it back.
    await admin.volumes.trash.end.mutate({ id: one.id })
  }
  const [made] = (await admin.volumes.types.list.query({ search: type })).items
  await expect
    .poll(() =>
      admin.volumes.types.delete.mutate({ id: made?.id ?? '' }).then(
        () => 'gone',
        (error: Error) => error.message,
      ),
    )
    .toBe('gone')
  expect(problems).toEqual([])
})
