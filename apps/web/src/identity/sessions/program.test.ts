import { expect, it } from 'vitest'
import { programOf } from './program.ts'

it.each([
  ['', 'Unknown program'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/18.0 Safari/605',
    'Safari on macOS',
  ],
  ['openstacksdk/0.101.0 keystoneauth1/5.0.0', 'openstacksdk'],
])('the User-Agent is shown as %s', (userAgent, words) => {
  expect(programOf(userAgent)).toBe(words)
})
