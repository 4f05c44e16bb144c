import { describe, expect, it } from 'vitest'
import type { ResourceAction } from './descriptor.ts'
import { headerActions } from './header-actions.ts'

type Machine = { state: 'active' | 'stopped' | 'paused' | 'silent' }
const when = (...states: Machine['state'][]) => ({
  allowed: (view: Machine) => states.includes(view.state) || 'Not now.',
})
const action = (id: string, rest: Partial<ResourceAction<Machine>>): ResourceAction<Machine> => ({
  id,
  label: id,
  allowed: () => true,
  ...rest,
})
const actions = [
  action('start', { ...when('stopped'), opposite: 'stop', next: () => true }),
  action('stop', { ...when('active'), opposite: 'start' }),
  action('reboot', when('active')),
  action('pause', { ...when('active'), opposite: 'resume' }),
  action('resume', { ...when('paused'), opposite: 'pause', next: () => true }),
  action('edit', when('active', 'stopped', 'paused')),
  action('delete', { danger: true }),
]
const idsOf = (state: Machine['state']) => {
  const { next, buttons, menu } = headerActions(actions, { state })
  return { next: next?.id ?? null, buttons: buttons.map(({ id }) => id), menu: menu.map(({ id }) => id) }
}

describe('the buttons beside a title', () => {
  it('a paused machine has “resume” as its next step, beside buttons that work', () => {
    expect(idsOf('paused')).toEqual({
      next: 'resume',
      buttons: ['edit'],
      menu: ['start', 'stop', 'reboot', 'delete'],
    })
  })
  it('a machine that runs has no next step, and no button for a machine that is off', () => {
    expect(idsOf('active')).toEqual({
      next: null,
      buttons: ['stop', 'reboot', 'pause'],
      menu: ['edit', 'delete'],
    })
  })
  it('a machine on which nothing is possible keeps its buttons, which say why', () => {
    expect(idsOf('silent')).toEqual({
      next: null,
      buttons: ['start', 'stop', 'reboot'],
      menu: ['pause', 'resume', 'edit', 'delete'],
    })
  })
  it('an action of the menu is a button only when it is the next step', () => {
    const odd = action('use', { inMenu: () => true, next: ({ state }) => state === 'paused' })
    const { next, buttons, menu } = headerActions([odd, ...actions], { state: 'active' })
    expect([next, buttons[0]?.id, menu[0]?.id]).toEqual([null, 'stop', 'use'])
    expect(headerActions([odd, ...actions], { state: 'paused' }).next?.id).toBe('use')
  })
  it('an action that makes no sense for the machine is nowhere', () => {
    const odd = action('withdraw', { shown: ({ state }) => state === 'paused', allowed: () => 'No.' })
    const idsIn = (state: Machine['state']) => {
      const { buttons, menu } = headerActions([odd, ...actions], { state })
      return [...buttons, ...menu].map(({ id }) => id)
    }
    expect(idsIn('silent')).not.toContain('withdraw')
    expect(idsIn('paused')).toContain('withdraw')
  })
})
