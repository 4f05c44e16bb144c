import { describe, expect, it } from 'vitest'
import {
  adoptedText,
  fateText,
  groupsText,
  putBackText,
  removalText,
  strayEvent,
  strayProject,
  trashName,
} from './stray-words.ts'

const host = { id: 'h', name: 'vm' }
const guest = { name: 'web', project: { id: 'p', name: 'demo' } }

describe('the words about unknown things', () => {
  it('name the days and the setting', () => {
    expect(fateText({ days: 7, setting: 'KEEP_DAYS' })).toMatch(/for 7 days \(KEEP_DAYS\).*for 7 days more/)
    expect(fateText({ days: 1, setting: 'KEEP_DAYS' })).toContain('for one day (KEEP_DAYS)')
  })

  it('promise for a removal what the trash gives back, and no more', () => {
    expect(removalText(new Set(['guest']))).toMatch(/a stopped guest that can be adopted/)
    expect(removalText(new Set(['disk']))).not.toMatch(/adopted/)
    expect(removalText(new Set(['port', 'network']))).toMatch(/for good\.$/)
    expect(removalText(new Set(['port']))).not.toMatch(/trash/)
    expect(removalText(new Set(['guest', 'port']))).toMatch(/switched off.*for good/)
  })

  it('name in the audit log the decision and the thing', () => {
    const disk = { kind: 'disk', thing: '4febdbb7-1111', host: 'vm' }
    expect(strayEvent({ decided: 'remove', ...disk })).toBe('Removed the unknown disk 4febdbb7 of host vm')
    expect(strayEvent({ decided: 'adopt', ...disk, kind: 'guest', name: 'web' })).toBe(
      'Adopted the unknown guest web of host vm',
    )
    expect(strayEvent({ decided: 'takeBack', kind: 'blob', thing: 'abcdef0123', host: null })).toBe(
      'Put back from the trash the image bytes abcdef01 of the image store',
    )
    expect(strayEvent({ removed: 'addressSet', count: 2 })).toBe('Took away 2 security groups')
    expect(strayEvent({ unknown: 'guest', count: 1 })).toBe('Found 1 guest that no row knows')
    expect(strayEvent({})).toBeNull()
  })

  it('say which project a guest belonged to, and which groups it gets', () => {
    expect(strayProject({ project: { id: 'p', name: 'demo' } })).toBe('of project demo')
    expect(strayProject({ project: { id: 'p', name: null } })).toBe('of project p')
    expect(strayProject({ project: null })).toBeNull()
    expect(groupsText({ securityGroups: ['web', 'ssh'] })).toMatch(/in the security groups “web”, “ssh”/)
    expect(groupsText({ securityGroups: [] })).toMatch(/default security group/)
    expect(adoptedText({ name: 'web', securityGroups: ['ssh'] })).toBe(
      'web is an instance again, in the security group “ssh”',
    )
  })

  it('say where a disk is whose guest nobody has kept', () => {
    const disk = { kind: 'disk', thing: 'd1', host } as const
    expect(putBackText({ ...disk, guest })).toBe(
      'web is an unknown guest again, stopped, and can be adopted.',
    )
    expect(putBackText({ ...disk, guest: null })).toMatch(/kept and not adopted.*disk-d1\.qcow2.*host vm/)
    expect(putBackText({ kind: 'blob', thing: 'b', host: null, guest: null })).toMatch(/as an image/)
    expect([trashName({ thing: 'd1', guest }), trashName({ thing: 'd1', guest: null })]).toEqual([
      'disk of web',
      'd1',
    ])
  })
})
