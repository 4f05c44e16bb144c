import { describe, expect, test } from 'vitest'
import {
  instanceCan,
  instanceStatus,
  instanceTransitioning,
  notBuilt,
  powerStates,
  taskStates,
  vmStates,
} from './contract.ts'
import { correction } from './observe.ts'

const idle = (vmState: (typeof vmStates)[number]) => ({ vmState, taskState: null, locked: false })

describe('state table (openstack-api section 6)', () => {
  test('states have the status words of OpenStack', () => {
    expect(vmStates.map((vm) => instanceStatus(vm, null))).toEqual([
      'BUILD',
      'ACTIVE',
      'SHUTOFF',
      'PAUSED',
      'ERROR',
      'DELETED',
    ])
    expect(instanceStatus('active', 'rebooting')).toBe('REBOOT')
    expect(instanceStatus('active', 'rebooting_hard')).toBe('HARD_REBOOT')
    expect(instanceStatus('active', 'powering-off')).toBe('ACTIVE')
    for (const task of taskStates) expect(instanceStatus('building', task)).toBe('BUILD')
    expect(instanceStatus('stopped', 'powering-on')).toBe('SHUTOFF')
  })

  test('an instance that was never built can only be deleted', () => {
    const unbuilt = { ...idle('error'), hostId: null, launchedAt: null }
    for (const action of ['start', 'stop', 'rebootSoft', 'rebootHard', 'pause', 'unpause', 'attach'] as const)
      expect(instanceCan[action](unbuilt)).toBe(notBuilt)
    expect(instanceCan.delete(unbuilt)).toBe(true)
    // Whoever may not know hosts sees none of an instance that ran before its error.
    expect(instanceCan.rebootHard({ ...unbuilt, launchedAt: '2026-11-28T15:00:00Z' })).toBe(true)
    expect(instanceCan.rebootHard({ ...unbuilt, hostId: 'h' })).toBe(true)
  })

  const allowedIn = (can: (i: ReturnType<typeof idle>) => true | string) =>
    vmStates.filter((vm) => can(idle(vm)) === true)
  test.each([
    ['start', ['stopped']],
    ['stop', ['active', 'error']],
    ['rebootSoft', ['active']],
    ['rebootHard', ['active', 'stopped', 'paused', 'error']],
    ['pause', ['active']],
    ['unpause', ['paused']],
    ['attach', ['active', 'stopped', 'paused']],
    ['attachVolume', ['active', 'stopped', 'paused']],
    ['detachVolume', ['active', 'stopped', 'paused', 'error']],
    ['delete', ['building', 'active', 'stopped', 'paused', 'error']],
    ['console', ['active', 'paused']],
  ] as const)('%s is allowed in %j only', (action, states) => {
    expect(allowedIn(instanceCan[action])).toEqual(states)
  })

  test('while an action is under way only delete is allowed, and only once', () => {
    for (const taskState of taskStates) {
      const busy = { vmState: 'active', taskState, locked: false } as const
      for (const action of [
        'start',
        'stop',
        'rebootSoft',
        'rebootHard',
        'pause',
        'unpause',
        'attach',
      ] as const)
        expect(instanceCan[action](busy)).toMatch(/^Wait/)
      expect(instanceCan.delete(busy) === true).toBe(taskState !== 'deleting')
      expect(instanceTransitioning(busy)).toBe(true)
    }
    expect(instanceTransitioning(idle('active'))).toBe(false)
    expect(instanceTransitioning(idle('building'))).toBe(true)
  })

  test('a lock forbids every change', () => {
    const locked = { vmState: 'active', taskState: null, locked: true } as const
    for (const action of ['stop', 'rebootSoft', 'rebootHard', 'pause', 'delete'] as const)
      expect(instanceCan[action](locked)).toBe('The instance is locked.')
    expect(instanceCan.console(locked)).toBe(true)
  })
})

describe('a report of a host', () => {
  const row = (vmState: (typeof vmStates)[number], powerState: number) => ({ vmState, powerState })
  const active = row('active', powerStates.running)
  test('that equals the row changes nothing', () => {
    expect(correction(active, { power: 'running', reason: null })).toBeNull()
    expect(correction(row('paused', 3), { power: 'paused', reason: null })).toBeNull()
    expect(correction(row('stopped', 4), { power: 'off', reason: null })).toBeNull()
    expect(correction(row('stopped', 4), null)).toBeNull()
  })
  test('that differs from the row corrects the row', () => {
    expect(correction(active, { power: 'off', reason: null })).toEqual({ vmState: 'stopped', powerState: 4 })
    expect(correction(active, null)).toEqual({ vmState: 'stopped', powerState: 4 })
    expect(correction(active, { power: 'paused', reason: null })).toEqual({
      vmState: 'paused',
      powerState: 3,
    })
    expect(correction(row('stopped', 4), { power: 'running', reason: null })).toMatchObject({
      vmState: 'active',
      powerState: 1,
    })
    expect(correction(active, { power: 'crashed', reason: 'qemu: boom' })).toMatchObject({
      vmState: 'error',
      powerState: 6,
      faultMessage: expect.stringContaining('disk is safe'),
      faultDetail: 'qemu: boom',
    })
  })
})
