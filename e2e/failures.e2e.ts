import { expect, type Page, test } from '@playwright/test'
import { DriverError } from '@stratolith/drivers/errors'
import { problemsOf } from './support/accessibility.ts'
import { type Api, findCloud, signedIn } from './support/cloud.ts'
import { addFakeHost, type FakeHost } from './support/fake-host.ts'
import { launchGuests } from './support/guests.ts'
import { apiOf, newPerson } from './support/people.ts'
import { newBrowser, visit } from './support/portal.ts'

/** The portal's messages when the drivers of a host fail. The host is a fake that fails as the tests tell it. */
test.describe.configure({ mode: 'serial' })
const cloud = findCloud()
let host: FakeHost
let api: Api
let page: Page

test.beforeAll(async ({ browser }) => {
  const person = await newPerson(cloud)
  api = await apiOf(cloud, person)
  page = await newBrowser(browser, person.name, person.password)
  host = await addFakeHost(cloud, (await signedIn(cloud, 'admin')).api)
})
test.afterAll(async () => {
  try {
    for (const { id } of (await api?.compute.instances.list.query({}))?.items ?? [])
      await api.compute.instances.delete.mutate({ id })
    await page?.context().close()
  } finally {
    // Other specs need the real host, so the fake host is removed even after a failure; it may not have been made.
    await host?.remove()
  }
})

const fault = () => page.getByRole('alert').filter({ hasText: 'code ' })

test('a launch that its host refuses shows the reason, and offers another try', async () => {
  host.hypervisor.failNext('ensure', new DriverError('invalid', 'This machine has no such processor.'))
  await launchGuests(api, 'refused').catch(() => [])
  const [refused] = (await api.compute.instances.list.query({})).items
  await visit(page, `/instances/${refused?.id}`)
  await expect(page.getByText('Error', { exact: true }).first()).toBeVisible()
  await expect(fault()).toContainText('The host cannot do what was asked of it.')
  await expect(fault(), 'what its machine is like is the administrators’ business').not.toContainText(
    'processor',
  )
  await expect(fault().getByRole('link', { name: 'Launch one like it' })).toBeVisible()
  // An instance that has never run has nothing to reboot, so this is no button of its page.
  await expect(page.getByRole('button', { name: 'Hard reboot' })).toHaveCount(0)
  expect(await problemsOf(page)).toEqual([])
})

test('a crash of a guest is shown at once with the reason, and a hard reboot starts the guest again', async () => {
  const [id = ''] = await launchGuests(api, 'crashes')
  await visit(page, `/instances/${id}`)
  await expect(page.getByText('Active', { exact: true }).first()).toBeVisible()
  host.hypervisor.crash(id)
  await expect(fault()).toContainText('The guest’s process has died. Its disk is safe: reboot it (hard).')
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('button', { name: 'Hard reboot' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /reboot/i })
    .last()
    .click()
  await expect(page.getByText('Active', { exact: true }).first()).toBeVisible()
})

test('the failure of an action on the host is shown at once, and on the page of its instance', async () => {
  const [id = ''] = await launchGuests(api, 'deaf')
  await visit(page, `/instances/${id}`)
  host.hypervisor.failNext('pause', new DriverError('invalid', 'The monitor of this guest is deaf.'))
  await api.compute.instances.pause.mutate({ id })
  await expect(page.getByRole('alert').filter({ hasText: '“deaf” has failed' })).toContainText(
    'The host cannot do what was asked of it.',
  )
  await expect(fault()).toContainText('The host cannot do what was asked of it.')
  await expect(page.getByText('Error', { exact: true }).first()).toBeVisible()
})
