import fs from 'node:fs'
import { expect, test } from '@playwright/test'
import { problemsOf } from './support/accessibility.ts'
import { findCloud } from './support/cloud.ts'
import { newPerson } from './support/people.ts'
import { newBrowser, signIn, visit } from './support/portal.ts'
import { totp } from './support/totp.ts'

const cloud = findCloud()

test('a wrong password gets a sentence, and the right password leads back to the requested page', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  await page.goto('/networks')
  await expect(page).toHaveURL(/sign-in/)
  await page.getByLabel('User name').fill(person.name)
  await page.getByLabel('Password', { exact: true }).fill('wrong')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('alert').filter({ hasText: /\w/ }).first()).toContainText(
    /password is wrong.*wait a few minutes/i,
  )
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Networks', level: 1 })).toBeVisible()
  // A wrong password in the profile does not end the session.
  await visit(page, '/profile?tab=password')
  await page.getByLabel('Password now').fill('wrong')
  await page.getByLabel('New password', { exact: true }).fill('another good one')
  await page.getByLabel('New password again').fill('another good one')
  await page.getByRole('button', { name: 'Change the password' }).click()
  await expect(page.getByText('This is not your password.')).toBeVisible()
  await expect(page).toHaveURL(/profile/)
})

test('text that is typed before the page’s scripts have loaded is not lost', async ({ page }) => {
  const person = await newPerson(cloud)
  const typed = Promise.withResolvers<void>()
  await page.route('**/_next/static/**/*.js', async (route) => {
    await typed.promise
    await route.continue()
  })
  await page.goto('/networks', { waitUntil: 'commit' })
  await page.getByLabel('User name').fill(person.name)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  const button = page.getByRole('button', { name: 'Sign in', exact: true })
  await expect(button).toBeDisabled()
  typed.resolve()
  await button.click()
  await expect(page.getByRole('heading', { name: 'Networks', level: 1 })).toBeVisible()
})

test('the API token never reaches the browser', async ({ page }) => {
  const person = await newPerson(cloud)
  const bodies: string[] = []
  page.on('response', async (response) => {
    if (response.url().includes('/api/')) bodies.push(await response.text().catch(() => ''))
  })
  await signIn(page, person.name, person.password)
  const session = await (await page.request.get('/api/auth/session')).text()
  const cookies = await page.context().cookies()
  const sessions = cookies.filter((cookie) => cookie.name.includes('session'))
  expect(sessions.length).toBeGreaterThan(0)
  expect(sessions.every((cookie) => cookie.httpOnly && cookie.sameSite === 'Lax')).toBe(true)
  for (const text of [session, ...bodies]) expect(text).not.toMatch(/gAAAA|"token"\s*:/)
})

test('signing out in one browser ends that session in all its tabs within seconds', async ({
  page,
  browser,
}) => {
  const person = await newPerson(cloud)
  await signIn(page, person.name, person.password)
  const second = await page.context().newPage()
  await second.goto('/instances')
  await expect(second.getByRole('heading', { name: 'Instances', level: 1 })).toBeVisible()
  const elsewhere = await newBrowser(browser, person.name, person.password)
  const cookies = await page.context().cookies()
  await page
    .getByRole('button', { name: /account|GU/i })
    .last()
    .click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/sign-in/)
  await expect(second, 'the other tab').toHaveURL(/sign-in/)
  // A kept copy of the cookie is worthless, because the API's token is dead.
  const thief = await browser.newContext()
  await thief.addCookies(cookies)
  const answer = await thief.request.get('/api/trpc/identity.session')
  expect(answer.status()).toBe(401)
  await thief.close()
  await elsewhere.goto('/instances')
  await expect(
    elsewhere.getByRole('heading', { name: 'Instances', level: 1 }),
    'another session lives',
  ).toBeVisible()
  await elsewhere.context().close()
})

test('a page of another origin cannot make changes', async ({ page }) => {
  const person = await newPerson(cloud)
  await signIn(page, person.name, person.password)
  const answer = await page.request.post('/api/trpc/networking.networks.starter', {
    headers: { origin: 'http://evil.example', 'content-type': 'application/json' },
    data: {},
  })
  expect(answer.status()).toBe(403)
})

test('ten recovery codes come with the second factor: downloaded, used once each, made anew', async ({
  page,
  browser,
}) => {
  const person = await newPerson(cloud)
  await signIn(page, person.name, person.password)
  await visit(page, '/profile?tab=codes')
  await page.getByRole('button', { name: 'Set up codes' }).click()
  const seed = await page
    .locator('code')
    .filter({ hasText: /^[A-Z2-7]{16,}$/ })
    .innerText()
  await page.getByLabel('2. Type the code that it shows').fill(totp(seed))
  await page.getByRole('button', { name: 'Turn codes on' }).click()
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
  await expect(codes).toHaveCount(10)
  const [first = '', second = ''] = await codes.allInnerTexts()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  expect(fs.readFileSync(await (await download).path(), 'utf8')).toContain(first)
  expect(await problemsOf(page)).toEqual([])
  await page.getByRole('button', { name: 'Close: I have the codes' }).click()
  await expect(codes, 'shown once').toHaveCount(0)

  const context = await browser.newContext()
  const phone = await context.newPage()
  const enter = async (code: string) => {
    await phone.goto('/')
    await phone.getByLabel('User name').fill(person.name)
    await phone.getByLabel('Password', { exact: true }).fill(person.password)
    await phone.getByRole('button', { name: 'Sign in', exact: true }).click()
    await phone.getByLabel('Code').fill(code)
    await phone.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  await enter(first)
  await expect(phone.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible()
  await visit(phone, '/profile?tab=codes')
  await expect(phone.getByText(/^You have 9 recovery codes left/)).toBeVisible()
  await phone.getByLabel('Your password, for new recovery codes').fill('wrong')
  await phone.getByRole('button', { name: 'Make new recovery codes' }).click()
  await expect(phone.getByText('This is not your password. Try again.')).toBeVisible()
  await phone.getByLabel('Your password, for new recovery codes').fill(person.password)
  await phone.getByRole('button', { name: 'Make new recovery codes' }).click()
  await expect(phone.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')).toHaveCount(10)
  await expect(phone.getByText(/^You have 10 recovery codes left/)).toBeVisible()
  // A page whose session ends goes to the sign-in by itself, which would meet the next step.
  await phone.goto('about:blank')
  await context.clearCookies()
  for (const spent of [first, second]) {
    await enter(spent)
    await expect(phone.getByRole('alert').filter({ hasText: 'not right' }), 'opens nothing').toBeVisible()
  }
  await context.close()
})
