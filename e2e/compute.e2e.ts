import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { promisify } from 'node:util'
import { expect, type Page, test } from '@playwright/test'
import { clientEnv } from './openstack-client/client.ts'
import { dataPlaneNamespace, findCloud, inNamespace, sshArgs, until } from './support/cloud.ts'
import { newPerson, type Person } from './support/people.ts'
import { newBrowser, picture, row, signIn, terminalText, visit, watchProblems } from './support/portal.ts'

/** The life of one guest, from a newcomer's first click to the deletion; the consoles and SSH are real. */
test.describe.configure({ mode: 'serial' })

const bootMs = 600_000
const cloud = findCloud()
let person: Person
let page: Page
let problems: string[]
let address = ''
let keyFile = ''
let instanceUrl = ''

test.beforeAll(async ({ browser }) => {
  person = await newPerson(cloud)
  page = await browser.newPage()
  problems = watchProblems(page)
})
test.afterAll(async () => {
  await page.close()
})

test('a newcomer launches an instance: signs in, clicks launch, types a name, presses Enter', async () => {
  await signIn(page, person.name, person.password)
  await expect(page.getByRole('region', { name: 'Your first instance' })).toBeVisible()
  await page.getByRole('link', { name: 'Launch instance' }).first().click()
  const summary = page.getByRole('complementary', { name: 'Summary' })
  await expect(summary.getByText(/Fits on 1 of 1 host/)).toBeVisible()
  await expect(summary.getByRole('button', { name: 'Launch', exact: true })).toBeInViewport()
  await page.getByRole('button', { name: 'New key pair' }).click()
  const makeKey = page.getByRole('group', { name: 'New key pair' })
  await expect(makeKey.getByLabel('Name')).toBeFocused()
  await makeKey.getByLabel('Name').fill('laptop')
  const download = page.waitForEvent('download')
  await makeKey.getByRole('button', { name: 'Create', exact: true }).click()
  keyFile = test.info().outputPath('laptop')
  await (await download).saveAs(keyFile)
  fs.chmodSync(keyFile, 0o600)
  await page.getByLabel('Name', { exact: true }).first().fill('first')
  await page.getByLabel('Name', { exact: true }).first().press('Enter')
  await page.waitForURL(/\/instances\/[0-9a-f-]{36}/)
  instanceUrl = new URL(page.url()).pathname
  await expect(page.getByText('Active', { exact: true }).first()).toBeVisible({ timeout: 120_000 })
  await page.getByRole('tab', { name: 'Operations' }).click()
  await expect(page.getByRole('list', { name: 'Steps' })).toContainText('Making network, disk and guest')
  await expect(page.getByRole('list', { name: 'Steps' })).toContainText(/\d m?s/)
})

test('the VNC console shows a picture that changes', async () => {
  await page.getByRole('tab', { name: 'VNC console' }).click()
  await expect(
    page.getByRole('region', { name: 'VNC console' }).getByText('Connected', { exact: true }),
  ).toBeVisible()
  await expect.poll(async () => (await picture(page)).colours, { timeout: bootMs }).toBeGreaterThan(1)
  const before = await until('a picture', bootMs, async () => {
    const now = await picture(page)
    return now.colours > 1 ? now.print : null
  })
  await expect
    .poll(
      async () => {
        await page.getByRole('region', { name: 'VNC console' }).locator('canvas').press('Enter')
        return (await picture(page)).print
      },
      { timeout: bootMs, intervals: [1000] },
    )
    .not.toBe(before)
})

test('the serial console shows the text that is typed into it', async () => {
  await page.getByRole('tab', { name: 'Serial console' }).click()
  const serial = page.getByRole('region', { name: 'Serial console' })
  await expect(serial.getByText('Connected', { exact: true })).toBeVisible()
  await expect.poll(() => terminalText(page), { timeout: bootMs }).toMatch(/login:\s*$/)
  const type = async (text: string) => {
    await serial.getByRole('textbox').first().focus()
    await page.keyboard.type(`${text}\n`, { delay: 20 })
  }
  await type('tiny')
  await expect.poll(() => terminalText(page), { timeout: 120_000 }).toMatch(/Password:\s*$/)
  await type('tinycloud')
  await expect.poll(() => terminalText(page), { timeout: 120_000 }).toMatch(/\$\s*$/)
  await type('echo typed-$((40+2))-read')
  await expect.poll(() => terminalText(page), { timeout: 120_000 }).toMatch(/^typed-42-read/m)
})

test('SSH works by the floating IP with the key made in the form', async () => {
  await page.getByRole('tab', { name: 'Overview' }).click()
  // This cloud has no link to the world (STRATOLITH_EGRESS=off), so the test connects from the namespace of the guests.
  await expect(page.getByText(/The host of this instance is closed to the outside/)).toBeVisible()
  await expect(page.getByRole('link', { name: 'Open the serial console' })).toBeVisible()
  address = (
    await page
      .getByText(/^172\.24\.\d+\.\d+$/)
      .first()
      .innerText()
  ).trim()
  const namespace = await dataPlaneNamespace(cloud)
  const said = await until('ssh', 300_000, () =>
    inNamespace(namespace, sshArgs(keyFile, 'tiny', address, 'hostname'), 60_000),
  )
  expect(said).toMatch(/^first/)
})

test('the instance is renamed, gets another interface and loses it again', async () => {
  const rename = async (name: string) => {
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Edit' }).click()
    const panel = page.getByRole('dialog')
    await panel.getByLabel('Name').fill(name)
    await panel.getByLabel('Name').press('Enter')
    await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible()
    await expect(panel).toHaveCount(0)
  }
  await rename('renamed')
  await rename('first')
  const choose = async (item: string) => {
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: item, exact: true }).click()
  }
  const padlock = page.getByRole('img', { name: /^Locked: nothing changes until/ })
  await choose('Lock')
  await page.getByRole('dialog').getByRole('button', { name: 'Lock', exact: true }).click()
  await expect(padlock).toBeVisible()
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await expect(padlock).toHaveCount(0)
  await page.getByRole('tab', { name: 'Interfaces' }).click()
  const second = page.getByRole('region', { name: /^Interface 2/ })
  await expect(page.getByRole('region', { name: /^Interface 1/ })).toBeVisible()
  await page.getByRole('button', { name: 'Attach interface' }).click()
  const panel = page.getByRole('dialog')
  await expect(panel.getByRole('combobox', { name: 'Network' })).toHaveValue(/10\.\d+\.\d+\.0/)
  await panel.getByRole('button', { name: 'Attach' }).click()
  await expect(second).toContainText('Active', { timeout: 120_000 })
  await second.getByRole('button', { name: 'Detach' }).click()
  const question = page.getByRole('dialog', { name: /^Detach .* from “first”\?$/ })
  await question.getByRole('button', { name: 'Detach' }).click()
  await expect(second).toHaveCount(0, { timeout: 120_000 })
})

test('a closed port opens when the rule is added, without a reload', async ({ browser }) => {
  const namespace = await dataPlaneNamespace(cloud)
  const readLine = `exec 3<>/dev/tcp/${address}/8080 && read -r -t 3 line <&3 && echo "$line"`
  const tcp8080 = () =>
    inNamespace(namespace, ['timeout', '4', 'bash', '-c', readLine]).then(
      (text) => text,
      () => null,
    )
  const serve =
    'setsid sh -c "while :; do echo open-sesame | nc -l -p 8080; done" </dev/null >/dev/null 2>&1 &'
  await inNamespace(namespace, sshArgs(keyFile, 'tiny', address, serve), 60_000)
  expect(await tcp8080(), 'closed before').toBeNull()
  const other = await newBrowser(browser, person.name, person.password)
  await visit(other, '/security-groups')
  await page.getByRole('tab', { name: 'Security' }).click()
  await expect(page.getByText('8080')).toHaveCount(0)
  await other.getByRole('link', { name: 'open-ssh-ping' }).click()
  await other.getByRole('region', { name: 'Inbound rules' }).getByRole('button', { name: 'Add rule' }).click()
  const panel = other.getByRole('dialog')
  await panel.getByText('Custom').click()
  await panel.getByLabel('Ports').fill('8080')
  await panel.getByRole('button', { name: 'Add rule' }).click()
  await expect(page.getByText('8080').first(), 'the other browser sees the rule').toBeVisible()
  expect(await until('the open port', 120_000, tcp8080)).toContain('open-sesame')
  await other.context().close()
})

test('another project gets a 404 for the instance and does not see it in lists', async ({ browser }) => {
  const stranger = await newPerson(cloud)
  const other = await newBrowser(browser, stranger.name, stranger.password)
  await other.goto(instanceUrl)
  await expect(other.getByRole('heading', { name: 'You may not see this project' })).toBeVisible()
  await visit(other, `/instances/${instanceUrl.split('/').at(-1)}`)
  await expect(other.getByText(/could not be found|not found/i).first()).toBeVisible()
  await visit(other, '/instances')
  await expect(other.getByRole('heading', { name: 'No instances yet' })).toBeVisible()
  await other.context().close()
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  await visit(admin, `${instanceUrl}?tab=security`)
  await expect(
    admin.getByRole('link', { name: 'open-ssh-ping' }).first(),
    'an administrator sees its own groups',
  ).toBeVisible()
  await admin.context().close()
})

test('the link of OpenStack’s client opens the console once, without a session', async ({ browser }) => {
  const { stdout } = await promisify(execFile)(
    '/usr/bin/openstack',
    ['console', 'url', 'show', '--novnc', '-f', 'value', '-c', 'url', instanceUrl.split('/').at(-1) ?? ''],
    { env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...clientEnv(cloud.url, person) } },
  )
  const stranger = await (await browser.newContext()).newPage()
  await stranger.goto(stdout.trim())
  const screen = stranger.getByRole('region', { name: 'VNC console' })
  await expect(screen.getByText('Connected', { exact: true })).toBeVisible()
  await expect.poll(async () => (await picture(stranger)).colours, { timeout: 120_000 }).toBeGreaterThan(1)
  await stranger.reload()
  await expect(screen.getByText(/used already or has run out/)).toBeVisible()
  await stranger.context().close()
})

test('the other browser sees stop, start and deletion without a reload', async ({ browser }) => {
  const other = await newBrowser(browser, person.name, person.password)
  await visit(other, '/instances')
  await expect(row(other, 'first')).toContainText('Active')
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Stop/ }).click()
  await expect(row(other, 'first')).toContainText(/Stopped|Shut off/, { timeout: 120_000 })
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await expect(row(other, 'first')).toContainText('Active', { timeout: 120_000 })
  await other.getByRole('checkbox', { name: 'Select first' }).check()
  await other.getByRole('toolbar', { name: 'Selected rows' }).getByRole('button', { name: 'Delete' }).click()
  await expect(other.getByRole('checkbox', { name: `Also release ${address}` })).toBeChecked()
  await other
    .getByRole('dialog')
    .getByRole('button', { name: /^Delete/ })
    .click()
  await expect(other.getByRole('heading', { name: 'No instances yet' })).toBeVisible({ timeout: 120_000 })
  await expect(page.getByText(/could not be found|was deleted|is gone/i).first()).toBeVisible()
  await page.getByRole('link', { name: 'Back to the list' }).click()
  await expect(page.getByRole('heading', { name: 'No instances yet' })).toBeVisible()
  await other.context().close()
})

test('a launch with a size that fits on no host says why, host by host', async ({ browser }) => {
  const admin = await newBrowser(browser, 'admin', cloud.password('admin'))
  await visit(admin, '/admin/flavors?create=1')
  const panel = admin.getByRole('dialog')
  await panel.getByLabel('Name').fill('m9.giant')
  await panel.getByLabel(/vCPU/).fill('4')
  await panel
    .getByLabel(/Memory/)
    .first()
    .fill('900000')
  await panel.getByLabel(/Disk/).first().fill('1')
  await panel.getByRole('button', { name: /Create/ }).click()
  await expect(row(admin, 'm9.giant').or(admin.getByText('m9.giant')).first()).toBeVisible()
  await visit(page, '/instances/new')
  await page.getByRole('radio', { name: 'm9.giant' }).check()
  const summary = page.getByRole('complementary', { name: 'Summary' })
  await expect(summary.getByText(/Fits on 0 of 1 host/)).toBeVisible()
  await summary.getByRole('button', { name: /does not fit.*GiB short: the whole host has/ }).click()
  await expect(page.getByRole('table', { name: /^Checks of/ })).toContainText(/memory/i)
  await expect(summary.getByText(/it fits now/), 'a way out').toBeVisible()
  await admin.context().close()
})

test('the page’s console has no problem from the tests above', () => {
  expect(problems).toEqual([])
})
