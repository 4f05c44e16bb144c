import fs from 'node:fs'
import { expect, test } from 'vitest'
import { compatDocument, compatFile } from './compat.ts'

test('docs/openstack-compat.md agrees with the operation table (node tools/compat.ts writes it)', () => {
  expect(fs.readFileSync(compatFile, 'utf8')).toBe(compatDocument())
})
