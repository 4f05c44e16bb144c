import fs from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { unlessHidden } from './hidden.ts'

const dir = fs.mkdtempSync('/var/tmp/stratolith-hidden-')
afterAll(() => fs.rmSync(dir, { recursive: true }))

test('a file that this host sees and QEMU does not was mounted after the guest was started', async () => {
  const file = path.join(dir, '0.raw')
  const opened = { layers: [{ path: file, format: 'raw' as const, number: 0 }] }
  const missing = new Error(`Could not open '${file}': No such file or directory`)
  await expect(unlessHidden({ opened })(missing)).rejects.toBe(missing)
  fs.writeFileSync(file, '')
  await expect(unlessHidden({ opened })(missing)).rejects.toMatchObject({ code: 'mounted_later' })
  await expect(unlessHidden({ opened: { socket: file } })(missing)).rejects.toMatchObject({
    code: 'mounted_later',
  })
  const other = new Error(`Could not open '${file}': Permission denied`)
  await expect(unlessHidden({ opened })(other)).rejects.toBe(other)
})
