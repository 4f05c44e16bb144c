'use client'
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import {
  IconDeviceDesktop,
  IconKeyboard,
  IconLogout,
  IconMoon,
  IconSun,
  IconTerminal2,
} from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { instanceDescriptor } from '../compute/instances/descriptor.tsx'
import { stateOf } from '../compute/instances/state.ts'
import { useInstanceActions } from '../compute/instances/use-instance-actions.tsx'
import { signOut } from '../identity/sign-out.ts'
import { useGuarded, useRunAction } from '../kit/actions.tsx'
import { paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import type { Entry } from './palette-found.tsx'
import { verbIn } from './palette-words.ts'

/** Understands “stop web”: returns an entry for each instance of that name on which the action is possible now. */
export function useVerbs(typed: string): Entry[] {
  const trpc = useTRPC()
  const session = useSession()
  const { cloud } = reachOf(session)
  const actions = useInstanceActions()
  const guarded = useGuarded<Parameters<(typeof actions)[number]['allowed']>[0]>(instanceDescriptor.kind)
  const runAction = useRunAction(instanceDescriptor)
  const asked = verbIn(typed)
  const [search] = useDebouncedValue(asked?.rest ?? '', 150)
  const { data } = useQuery({
    ...trpc.compute.instances.list.queryOptions({
      ...(search ? { search } : {}),
      limit: 8,
      allProjects: session.project === null,
    }),
    enabled: asked !== null && (session.project !== null || cloud),
    placeholderData: keepPreviousData,
  })
  if (!asked) return []
  const { verb } = asked
  const items = (data?.items ?? []).filter(({ name, id }) =>
    `${name} ${id}`.toLowerCase().includes(asked.rest.toLowerCase()),
  )
  const of = (view: (typeof items)[number], label: string) => ({
    id: `${verb} ${view.id}`,
    label: `${label} ${view.name}`,
    description: `Instance · ${stateOf(view).state}`,
  })
  if (verb === 'console' || verb === 'ssh') {
    const [label, icon, tab] =
      verb === 'console'
        ? (['Console of', <IconDeviceDesktop key="console" size={18} />, 'vnc'] as const)
        : (['SSH to', <IconTerminal2 key="ssh" size={18} />, undefined] as const)
    return items.map((view) => ({ ...of(view, label), icon, href: paths.instance(view.id, tab) }))
  }
  const action = actions.find(({ id }) => id === verb)
  if (!action) return []
  const able = guarded(action)
  return items
    .filter((view) => able.allowed(view) === true)
    .map((view) => ({
      ...of(view, action.label),
      icon: action.icon,
      run: () => void runAction(able, [view]),
    }))
}

/** The commands of the portal itself, with further words by which people look for them. */
export function useCommands({ onHelp }: { onHelp: () => void }): (Entry & { words: string })[] {
  const { setColorScheme } = useMantineColorScheme()
  const other = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark'
  return [
    {
      id: 'scheme',
      label: other === 'dark' ? 'Dark mode' : 'Light mode',
      words: 'theme colour color scheme dark light mode',
      icon: other === 'dark' ? <IconMoon size={18} /> : <IconSun size={18} />,
      run: () => setColorScheme(other),
    },
    {
      id: 'help',
      label: 'Keyboard shortcuts and help',
      words: 'keyboard shortcuts help version about',
      icon: <IconKeyboard size={18} />,
      run: onHelp,
    },
    {
      id: 'sign-out',
      label: 'Sign out',
      words: 'sign out log out logout leave',
      icon: <IconLogout size={18} />,
      run: () => void signOut(),
    },
  ]
}
