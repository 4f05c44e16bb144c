import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeClientFiles } from './client-files.ts'
import { firstPasswords, forgetWrong } from './passwords.ts'
import type { Places } from './paths.ts'

let data = ''
const where = () => ({ data, secrets: data }) as Places
const read = (name: string) => fs.readFileSync(path.join(data, name), 'utf8')
beforeEach(() => {
  data = fs.mkdtempSync('/var/tmp/stratolith-passwords-')
})
afterEach(() => fs.rmSync(data, { recursive: true }))

test('a generated password for a user who existed already is deleted, and a right one is kept', () => {
  const first = firstPasswords(where())
  forgetWrong(where(), first, new Set(['demo']))
  expect(fs.readdirSync(data)).toEqual(['demo-password'])
  const second = firstPasswords(where())
  expect(second.demo).toEqual({ value: first.demo.value, made: false })
  expect(second.admin.value).not.toBe(first.admin.value)
  // The administrator has changed their password in the portal.
  forgetWrong(where(), second, new Set(['admin']))
  expect(read('demo-password')).toBe(first.demo.value)
})

test('a password that is not right in this cloud is in no file for clients', () => {
  writeClientFiles(where(), 'http://here', 'right one')
  expect(read('admin-openrc.sh')).toContain(`export OS_PASSWORD='right one'`)
  expect(read('clouds.yaml')).toContain('      password: "right one"\n      project_name: admin\n')
  writeClientFiles(where(), 'http://here', null)
  expect(read('admin-openrc.sh')).not.toContain('OS_PASSWORD')
  expect(read('clouds.yaml')).toContain('      username: admin\n      project_name: admin\n')
})
