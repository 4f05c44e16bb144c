import { expect, test } from 'vitest'
import {
  groupSpecSetCli,
  groupSpecUnsetCli,
  groupTypeCreateCli,
  groupTypeDeleteCli,
  groupTypeSetCli,
} from './cli.ts'

const words = (command: string) =>
  command.replaceAll(/ \\\n +/g, ' ').replace('openstack --os-volume-api-version 3.11 volume group type ', '')
const before = { id: 'x', name: 'pairs', description: 'Data and log.', public: true }

test('the commands of the stock client say what the forms of a type of groups say', () => {
  expect(words(groupTypeCreateCli({ name: '', description: '', public: true }))).toBe('create NAME')
  expect(words(groupTypeCreateCli({ ...before, public: false }))).toBe(
    "create --private --description 'Data and log.' pairs",
  )
  expect(words(groupTypeSetCli(before, { ...before, name: 'twins' }))).toBe('set --name twins x')
  expect(words(groupTypeSetCli(before, { ...before, description: '', public: false }))).toBe(
    "set --name pairs --description '' --private x",
  )
  expect(words(groupTypeDeleteCli('x'))).toBe('delete x')
  expect(words(groupSpecSetCli('x', 'a', '1'))).toBe('set --property a=1 x')
  expect(words(groupSpecUnsetCli('x', 'a'))).toBe('unset --property a x')
})
