import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { connectDatabase } from '../tools/cloud/connect.ts'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { launchGuests } from './support/guests.ts'
import { apiOf, newPerson } from './support/people.ts'
import { newBrowser, signIn, visit } from './support/portal.ts'

const cloud = findCloud()
const host = path.basename(path.dirname(cloud.agentSocket))
const id = crypto.randomUUID()
const folder = path.join(path.dirname(cloud.agentSocket), 'instances', id)
const disk = path.join(folder, `disk-${id}.qcow2`)
test.afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

test('an unknown disk is shown, removed by hand, put back from the trash and kept', async ({ page }) => {
  fs.mkdirSync(folder)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1G'])
  await signIn(page, 'admin', cloud.password('admin'))
  await visit(page, '/admin/unknown')
  // The page is live, so the test does not reload it.
  const row = page.getByRole('table', { name: 'Unknown things' }).getByRole('row').filter({ hasText: id })
  await expect(row).toContainText('Disk', { timeout: 60_000 })
  await expect(row).toContainText('removed after')
  expect(await problemsOf(page)).toEqual([])

  const choose = async (action: string) => {
    await page
      .getByRole('row')
      .filter({ hasText: id })
      .getByRole('button', { name: /Actions/ })
      .click()
    await page.getByRole('menuitem', { name: action }).click()
  }
  await choose('Remove')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  const trash = page.getByRole('table', { name: 'Things in the trash' })
  await expect(trash.getByRole('row').filter({ hasText: id })).toBeVisible({ timeout: 60_000 })
  expect(fs.existsSync(disk)).toBe(false)

  await choose('Put back')
  await expect(page.getByRole('dialog')).toContainText('nobody has kept what its guest was like')
  await page.getByRole('dialog').getByRole('button', { name: 'Put back' }).click()
  await expect(row).toBeVisible({ timeout: 60_000 })
  expect(fs.existsSync(disk)).toBe(true)
  await choose('Keep')
  await expect(row).toContainText('Kept')

  await visit(page, '/admin/hosts')
  await page.getByRole('table').getByRole('button', { name: host, exact: true }).click()
  await expect(page.getByRole('region', { name: 'Not confirmed yet' })).toContainText(
    'The host has everything as it should be',
  )
  expect(await problemsOf(page)).toEqual([])
})

test('a machine that is off during changes is shown as down, keeps addresses held, and can be fenced, taken back and removed', async ({
  browser,
  page,
}) => {
  const name = `rack-${id.slice(0, 6)}`
  const person = await newPerson(cloud)
  const api = await apiOf(cloud, person)
  const [[web = '', old = '']] = await Promise.all([
    launchGuests(api, 'web', 2),
    signIn(page, 'admin', cloud.password('admin')),
  ])

  await inDatabase(async (database) => {
    await database.query(
      `UPDATE "HostDocument" SET "confirmed" = 0, "attempts" = 3, "error" = 'failed: nft was busy',
         "dueAt" = now() + interval '5 minutes' WHERE "kind" = 'port'
         AND "thing" IN (SELECT "id" FROM "Port" WHERE "deviceId" = $1)`,
      [web],
    )
  })
  await visit(page, '/admin/hosts')
  await page.getByRole('button', { name: `not confirmed by ${host}` }).click()
  const panel = page.getByRole('dialog', { name: 'Host' })
  const late = panel.getByRole('region', { name: 'Not confirmed yet' })
  await expect(
    late.getByRole('row').filter({ hasText: `Port of web-1, project ${person.project}` }),
  ).toContainText('It said “failed: nft was busy” 3 times.')
  await late.getByRole('button', { name: 'Tell it now' }).click()
  await expect(late).toContainText('The host has everything as it should be')
  await page.keyboard.press('Escape')

  const theirs = await newBrowser(browser, person.name, person.password)
  await visit(theirs, '/images')
  // Pretends that the instances were built on the machine before it was switched off.
  await inDatabase(async (database) => {
    const rack = crypto.randomUUID()
    await database.query(
      `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib") VALUES ($1, $2, $3, 8, 16384, 100)`,
      [rack, name, `unix:/nowhere/${name}.sock`],
    )
    await database.query(`UPDATE "Instance" SET "hostId" = $1 WHERE "id" = ANY($2)`, [rack, [web, old]])
    await database.query(`UPDATE "Port" SET "hostId" = $1 WHERE "deviceId" = ANY($2)`, [rack, [web, old]])
  })
  // A user who asks for an action on that machine sees its failure on every page.
  await api.compute.instances.stop.mutate({ id: web })
  await expect(
    theirs.getByRole('alert').filter({ hasText: 'Stop instance “web-1” has failed' }),
  ).toContainText('it is not done later', { timeout: 120_000 })
  const row = page.getByRole('row').filter({ hasText: name })
  await expect(row).toContainText('Down', { timeout: 120_000 })
  await itSaysSo(theirs, web)
  await theirs.context().close()
  await api.compute.instances.delete.mutate({ id: old })
  await row.getByRole('button', { name: /^\d changes not confirmed by rack/ }).click()
  await expect(panel.getByRole('alert')).toContainText(
    'addresses and room of what is deleted meanwhile are held',
  )
  await expect(late).toContainText(
    /Held until it has confirmed: 1 address and the room of 1 deleted instance \(1 vCPU, /,
  )
  const changes = late.getByRole('table', { name: 'Changes not confirmed' }).getByRole('row')
  await expect(changes.filter({ has: page.getByRole('link', { name: 'web-1', exact: true }) })).toContainText(
    `Instance, project ${person.project}: to be made or changed`,
  )
  await expect(changes.filter({ hasText: /^web-2/ })).toContainText('to be gone')
  await expect(changes.filter({ hasText: 'Port of web-2' })).toContainText(/^10\..*to be gone/)
  await expect(changes.filter({ hasText: 'Port of web-1' })).toContainText('when it answers')
  await expect(late.getByRole('button', { name: 'Tell it now' })).toHaveAccessibleDescription(
    /does not answer/,
  )
  expect(await problemsOf(page)).toEqual([])

  await changes.getByRole('link', { name: 'web-1', exact: true }).click()
  const notice = page.getByRole('note', { name: 'Not everything has arrived on its host' })
  await expect(notice).toContainText('The description of its guest, changed')
  await expect(notice).toContainText('Its host does not answer. It is told as soon as it does.')
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('tab', { name: 'Interfaces' }).click()
  await expect(page.getByRole('region', { name: /^Interface 1/ }).getByRole('note')).toContainText(
    /Not arrived on its host.*Its host does not answer\./,
  )
  await notice.getByRole('link', { name: `Look at host ${name}` }).click()
  await panel.getByRole('button', { name: 'Declare fenced…' }).click()
  const question = page.getByRole('dialog', { name: `Is ${name} really off?` })
  await expect(question).toContainText('given to others at once')
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(panel.getByRole('button', { name: 'Declare fenced…' })).toBeFocused()
  await page.keyboard.press('Enter')
  await question.getByRole('button', { name: 'Declare fenced' }).click()
  const story = panel.getByRole('alert')
  await expect(story).toContainText(/admin declared on .* that this machine is off/)
  await expect(story).toContainText('others were given 1 address and the room of 1 deleted instance.')
  await expect(row).toContainText('Fenced')
  await expect(late).not.toContainText('Held until')
  await expect(changes.filter({ hasText: 'Port of web-1' })).toContainText('when the fencing is taken back')
  expect(await problemsOf(page)).toEqual([])
  await panel.getByRole('button', { name: 'Take the fencing back' }).click()
  await expect(row).toContainText('Down')
  await api.compute.instances.delete.mutate({ id: web })
  await page.keyboard.press('Escape')
  await expect(row.locator('[data-label=Instances]')).toHaveText('0')
  await row.getByRole('button', { name: /Actions/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(row).toHaveCount(0)
})

/** Checks the texts and the actions for a user with an instance on a machine that does not answer. */
async function itSaysSo(page: Page, id: string): Promise<void> {
  await visit(page, '/instances')
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'web-1', exact: true }) })
  await expect(row).toContainText('No answer')
  await visit(page, `/instances/${id}`)
  await expect(page.getByRole('note', { name: 'Its machine does not answer' })).toContainText(
    'what was last known',
  )
  const stop = page.getByRole('button', { name: 'Stop', exact: true })
  await expect(stop).toHaveAccessibleDescription(/does not answer/)
  await stop.focus()
  await expect(page.getByRole('tooltip')).toContainText('does not answer')
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menuitem', { name: 'Delete' })).not.toHaveAttribute('aria-disabled', 'true')
  expect(await problemsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'More actions' })).toBeFocused()
  await page.getByRole('tab', { name: 'Log' }).click()
  await expect(page.getByRole('note').filter({ hasText: 'We ask again' })).toBeVisible({ timeout: 5_000 })
}

async function inDatabase(
  work: (database: Awaited<ReturnType<typeof connectDatabase>>) => Promise<void>,
): Promise<void> {
  const database = await connectDatabase(cloud.data)
  try {
    await work(database)
  } finally {
    await database.end()
  }
}
