import { expect, type Page, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud, until } from './support/cloud.ts'
import { launchGuests } from './support/guests.ts'
import { takePicture } from './support/guide-pictures.ts'
import { apiOf, newPerson } from './support/people.ts'
import { signIn, terminalText, visit, watchProblems } from './support/portal.ts'

const cloud = findCloud()
// All pictures of the guide have one size (apps/web/src/guide/GuidePage.tsx).
test.use({ viewport: { width: 1280, height: 800 } })

/** A page that has everything that it waited for. */
async function open(page: Page, path: string): Promise<void> {
  await visit(page, path)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
}

test('the pages of a project are as the guide shows them', async ({ page }) => {
  const person = await newPerson(cloud)
  const api = await apiOf(cloud, person)
  await api.compute.keyPairs.create.mutate({ name: 'laptop' })
  const [instance] = await launchGuests(api, 'web')
  const { items: networks } = await api.networking.networks.list.query({})
  const network = networks.find(({ name }) => name === 'starter-net')
  const { items: groups } = await api.networking.securityGroups.list.query({})
  await api.networking.floatingIps.create.mutate({})
  await signIn(page, person.name, person.password)
  await open(page, '/')
  await takePicture(page, 'overview')
  await open(page, '/instances')
  await takePicture(page, 'instances')
  await open(page, `/instances/${instance}`)
  await takePicture(page, 'instance')
  await open(page, `/instances/${instance}?tab=serial`)
  await expect.poll(() => terminalText(page), { timeout: 300_000 }).toMatch(/login:\s*$/)
  await takePicture(page, 'serial-console')
  await open(page, '/instances/new')
  await page.getByLabel('Name', { exact: true }).first().fill('database')
  await expect(page.getByText(/Fits on \d/).first()).toBeVisible()
  await takePicture(page, 'launch')
  await open(page, '/key-pairs')
  await takePicture(page, 'key-pairs')
  await open(page, `/networks/${network?.id}`)
  await takePicture(page, 'network')
  await open(page, `/security-groups/${groups[0]?.id}`)
  await takePicture(page, 'security-group')
  await open(page, '/floating-ips')
  await takePicture(page, 'floating-ips')
  await open(page, '/images')
  await takePicture(page, 'images')
  const volume = await api.compute.instances.createVolume.mutate({
    id: instance ?? '',
    name: 'data',
    sizeGib: 10,
  })
  await until('the volume', 120_000, async () => {
    return (await api.volumes.get.query({ id: volume.id })).state === 'available'
  })
  await api.compute.instances.attachVolume.mutate({ id: instance ?? '', volumeId: volume.id })
  await api.volumes.create.mutate({ name: 'archive', description: 'What is kept for years', sizeGib: 20 })
  await open(page, `/volumes/${volume.id}`)
  await expect(page.getByText('In use')).toBeVisible()
  await takePicture(page, 'volume')
  await open(page, '/volumes')
  await expect(page.getByRole('row').getByText('Available')).toBeVisible()
  await takePicture(page, 'volumes')
  await open(page, '/operations')
  await takePicture(page, 'operations')
  await open(page, '/api-access')
  await takePicture(page, 'api-access')
})

test('the pages of an administrator are as the guide shows them', async ({ page }) => {
  await signIn(page, 'admin', cloud.password('admin'))
  await open(page, '/admin/projects')
  await takePicture(page, 'projects')
  await open(page, '/admin/audit')
  await takePicture(page, 'audit-log')
  await open(page, '/admin/quotas')
  await takePicture(page, 'quotas')
  await open(page, '/admin/hosts')
  await takePicture(page, 'hosts')
  await open(page, '/admin/system')
  await takePicture(page, 'system')
})

test('the help of a page leads to what the guide says of it, with its pictures, on a phone, too', async ({
  page,
}) => {
  const problems = watchProblems(page)
  await signIn(page, 'admin', cloud.password('admin'))
  await open(page, '/security-groups')
  const opened = page.waitForEvent('popup')
  await page.getByRole('link', { name: 'Help for this page' }).click()
  const guide = await opened
  await expect(guide).toHaveURL(/\/help\/networking#security-groups$/)
  await expect(guide.getByRole('heading', { name: 'Networking', level: 1 })).toBeVisible()
  await expect(guide.getByRole('heading', { name: 'Security groups', exact: true })).toBeInViewport()
  const contents = guide.getByRole('navigation', { name: 'On this page' })
  await contents.getByRole('link', { name: 'Why does SSH not answer?' }).click()
  await expect(guide.getByRole('heading', { name: 'Why does SSH not answer?' })).toBeInViewport()
  await contents.getByRole('link', { name: 'All pages of the guide' }).click()
  await expect(guide.getByRole('heading', { name: 'Guide', level: 1 })).toBeVisible()
  await guide.getByRole('article').getByRole('link', { name: 'Compute' }).click()
  const picture = guide.getByRole('img', { name: 'The instances of a project' })
  await picture.scrollIntoViewIfNeeded()
  await expect.poll(() => picture.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBe(1280)
  for (const colorScheme of ['light', 'dark'] as const) {
    await guide.emulateMedia({ colorScheme })
    expect(await problemsOf(guide)).toEqual([])
  }
  expect(problems).toEqual([])
  const missing = await guide.request.get('/api/guide/nothing.webp')
  expect(missing.status()).toBe(404)
  await guide.goto('/help/nowhere')
  await expect(guide.getByText('There is no such page')).toBeVisible()
})
