import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { connectDatabase } from '../tools/cloud/connect.ts'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { signIn, visit } from './support/portal.ts'

const cloud = findCloud()
const id = crypto.randomUUID()
const folder = path.join(path.dirname(cloud.agentSocket), 'instances', id)
const disk = path.join(folder, `disk-${id}.qcow2`)
test.afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

test('a disk that no row knows is shown, removed by hand, put back from the trash and kept', async ({
  page,
}) => {
  fs.mkdirSync(folder)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1G'])
  await signIn(page, 'admin', cloud.password('admin'))
  await visit(page, '/admin/unknown')
  // The page is live: nobody loads it again.
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
  await page
    .getByRole('table')
    .getByRole('button', { name: path.basename(path.dirname(cloud.agentSocket)), exact: true })
    .click()
  await expect(page.getByRole('region', { name: 'Not confirmed yet' })).toContainText(
    'The host has everything as it should be',
  )
  expect(await problemsOf(page)).toEqual([])
})

test('a machine that is off goes down, is declared fenced, taken back and removed', async ({ page }) => {
  const name = `rack-${id.slice(0, 6)}`
  const database = await connectDatabase(cloud.data)
  await database.query(
    `INSERT INTO "Host" ("id", "name", "endpoint", "vcpus", "memoryMib", "diskGib") VALUES ($1, $2, $3, 8, 16384, 100)`,
    [crypto.randomUUID(), name, `unix:/nowhere/${name}.sock`],
  )
  await database.end()
  await signIn(page, 'admin', cloud.password('admin'))
  await visit(page, '/admin/hosts')
  const row = page.getByRole('row').filter({ hasText: name })
  await expect(row).toContainText('Down', { timeout: 120_000 })
  await row.getByRole('button', { name, exact: true }).click()
  const panel = page.getByRole('dialog', { name: 'Host' })
  await expect(panel.getByRole('alert')).toContainText(
    'addresses and room of what is deleted meanwhile are held',
  )
  expect(await problemsOf(page)).toEqual([])
  await panel.getByRole('button', { name: 'Declare fenced…' }).click()
  const question = page.getByRole('dialog', { name: `Is ${name} really off?` })
  await expect(question).toContainText('given to others at once')
  await question.getByRole('button', { name: 'Declare fenced' }).click()
  await expect(panel.getByRole('alert')).toContainText('declared that the machine is off')
  await expect(row).toContainText('Fenced')
  expect(await problemsOf(page)).toEqual([])
  await panel.getByRole('button', { name: 'Take back' }).click()
  await expect(row).toContainText('Down')
  await visit(page, '/admin/hosts')
  await row.getByRole('button', { name: /Actions/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(row).toHaveCount(0)
})
