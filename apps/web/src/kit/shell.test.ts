import { describe, expect, it } from 'vitest'
import { shellLine, shellWord } from './shell.ts'

describe('shell text', () => {
  it('quotes what a shell would otherwise interpret', () => {
    expect(shellWord('web-1')).toBe('web-1')
    expect(shellWord("it's; rm -rf ~")).toBe(`'it'\\''s; rm -rf ~'`)
    expect(shellWord('$(id)')).toBe("'$(id)'")
    expect(shellWord('')).toBe("''")
  })
  it('leaves out optional words that are not wanted', () => {
    expect(shellLine('openstack', 'network', 'create', false, null, undefined, 'a b')).toBe(
      "openstack network create 'a b'",
    )
  })
  it('breaks long lines at options and before the name', () => {
    const line = shellLine('openstack', 'x', '--one', 'a'.repeat(40), '--two', 'b'.repeat(40), 'name')
    expect(line.split(' \\\n  ')).toEqual([
      'openstack x',
      `--one ${'a'.repeat(40)}`,
      `--two ${'b'.repeat(40)}`,
      'name',
    ])
    const versioned = shellLine('openstack', '--os-volume-api-version', '3.13', 'a'.repeat(60), 'name')
    expect(versioned).toMatch(/^openstack --os-volume-api-version 3\.13/)
  })
})
