import { expect, type Locator, type Page, test } from '@playwright/test'
import { findCloud } from './support/cloud.ts'
import { apiOf, newPerson } from './support/people.ts'
import { signIn, visit } from './support/portal.ts'

test.use({ viewport: { width: 360, height: 740 } })
const cloud = findCloud()

/** Makes a message of an error, which stays for twelve seconds, by a deletion that the server refuses. */
async function failToDelete(page: Page): Promise<Locator> {
  await page.route('**/compute.keyPairs.delete**', (route) => route.abort())
  await page.getByRole('button', { name: 'Actions of key-51' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  const toast = page.locator('.mantine-Notification-root')
  await expect(toast).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  return toast
}

const boxOf = async (one: Locator) => {
  const box = await one.boundingBox()
  if (!box) throw new Error('there is nothing to be seen')
  return box
}
test('on a phone, a message covers neither the links to other pages nor the button of a launch', async ({
  page,
}) => {
  const person = await newPerson(cloud)
  const { compute } = await apiOf(cloud, person)
  for (let n = 1; n <= 51; n++) await compute.keyPairs.create.mutate({ name: `key-${n}` })
  await signIn(page, person.name, person.password)
  await visit(page, '/key-pairs')
  const toast = await failToDelete(page)
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
  const next = page.getByRole('button', { name: 'Next page' })
  const [message, link] = [await boxOf(toast), await boxOf(next)]
  expect(link.y + link.height, 'the link is above the message').toBeLessThanOrEqual(message.y)

  await page.getByRole('button', { name: 'Open the navigation' }).click()
  await page.getByRole('link', { name: 'Instances', exact: true }).click()
  await page.getByRole('link', { name: 'Launch' }).first().click()
  const launch = page.getByRole('complementary', { name: 'Summary' }).getByRole('button', { name: 'Launch' })
  await expect(launch).toBeVisible()
  const [above, button] = [await boxOf(toast), await boxOf(launch)]
  expect(above.y + above.height, 'the message is above the button').toBeLessThanOrEqual(button.y)
})
