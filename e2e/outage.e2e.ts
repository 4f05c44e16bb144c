import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { findCloud, until } from './support/cloud.ts'
import { launchGuests } from './support/guests.ts'
import { apiOf, newPerson } from './support/people.ts'
import { newBrowser, terminalText, visit, watchProblems } from './support/portal.ts'

const cloud = findCloud()
const bootMs = 600_000

test('the console comes back by itself after the API and the console proxy were killed', async ({
  browser,
}) => {
  const person = await newPerson(cloud)
  const api = await apiOf(cloud, person)
  const [id = ''] = await launchGuests(api, 'outage')
  const page = await newBrowser(browser, person.name, person.password)
  const problems = watchProblems(page)
  await visit(page, `/instances/${id}`)
  await page.getByRole('tab', { name: 'Serial console' }).click()
  const serial = page.getByRole('region', { name: 'Serial console' })
  const connected = serial.getByText('Connected', { exact: true })
  await expect(connected).toBeVisible()
  await expect.poll(() => terminalText(page), { timeout: bootMs }).toMatch(/login:\s*$/)
  expect(problems).toEqual([])
  const services = () => JSON.parse(fs.readFileSync(path.join(cloud.data, 'run/services.json'), 'utf8'))
  const another = page.waitForEvent('websocket', { timeout: 120_000 })
  for (const name of ['api', 'console-proxy']) process.kill(services()[name].pid, 'SIGKILL')
  await another
  await expect(connected).toBeVisible()
  await expect(page.getByRole('status', { name: /^Live/ })).toBeVisible()
  // The earlier text is shown again, and typed text arrives.
  await expect.poll(() => terminalText(page)).toMatch(/login:/)
  await serial.getByRole('textbox').first().focus()
  await page.keyboard.type('back-again\n', { delay: 20 })
  await expect.poll(() => terminalText(page), { timeout: 120_000 }).toMatch(/login: back-again\s+Password:/)
  // The browser's only problems are that its stream and its console were gone until both were back.
  expect(problems.filter((problem) => !/net::ERR_|^WebSocket connection to/.test(problem))).toEqual([])
  await page.context().close()
  await api.compute.instances.delete.mutate({ id })
  await until('deletion', 120_000, async () => {
    const { items } = await api.compute.instances.list.query({})
    return items.every((instance) => instance.id !== id)
  })
})
