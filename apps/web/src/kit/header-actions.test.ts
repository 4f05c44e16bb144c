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

describe('what stands beside a title', () => {
  it('a paused machine is resumed, and nothing that leads nowhere stands beside that', () => {
    expect(idsOf('paused')).toEqual({
      next: 'resume',
      buttons: ['edit'],
      menu: ['start', 'stop', 'reboot', 'delete'],
    })
  })
  it('a machine that runs has no next step, and no button of one that does not run', () => {
    expect(idsOf('active')).toEqual({
      next: null,
      buttons: ['stop', 'reboot', 'pause'],
      menu: ['edit', 'delete'],
    })
  })
  it('where nothing can be done the buttons stay and say why', () => {
    expect(idsOf('silent')).toEqual({
      next: null,
      buttons: ['start', 'stop', 'reboot'],
      menu: ['pause', 'resume', 'edit', 'delete'],
    })
  })
})
