'use client'
import { useDebouncedValue } from '@mantine/hooks'
import { createSpotlight, Spotlight } from '@mantine/spotlight'
import {
  IconDisc,
  IconFolders,
  IconNetwork,
  IconPlus,
  IconSearch,
  IconServer2,
  IconUser,
} from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { paths } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useReturnFocus } from '../kit/return-focus.ts'
import { useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { navigationFor } from './navigation.tsx'

const [store, palette] = createSpotlight()

type Entry = { id: string; label: string; description?: string; href: string; icon: ReactNode }

/** Ctrl-K: pages, things to make, and the project's resources by name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const router = useRouter()
  const session = useSession()
  const [query, setQuery] = useState('')
  const words = query.trim().toLowerCase()
  const groups = navigationFor(session)
  const pages: Entry[] = groups.flatMap(({ items }) =>
    items.map(({ label, href, icon }) => ({ id: href, label, href, icon })),
  )
  const may = useMay()
  const { isAdmin } = session
  // Nobody is offered what their role refuses.
  const makes = {
    everyone: true,
    project: may() === true,
    directory: reachOf(session).manages(null),
    cloud: isAdmin,
  }
  const makers: Entry[] = groups.flatMap(({ for: audience, items }) =>
    items.flatMap(({ create }) =>
      create && makes[audience] ? [{ id: create.href, ...create, icon: <IconPlus size={18} /> }] : [],
    ),
  )
  const matches = (entries: Entry[]) => entries.filter(({ label }) => label.toLowerCase().includes(words))
  const found = [...useResources(query.trim()), ...useDirectory(query.trim())]
  const sections = [
    { label: 'Pages', entries: matches(pages) },
    { label: 'Make', entries: matches(makers) },
    { label: 'Resources', entries: found },
  ].filter(({ entries }) => entries.length > 0)
  const list = useRef<HTMLDivElement>(null)
  useReturnFocus(true)
  // Its own store says that it is open: what was never opened there could not be closed by Escape or beside it.
  useEffect(() => {
    palette.open()
    return palette.close
  }, [])
  // Mantine selects the first entry when one types; resources arrive later, maybe into an empty list.
  useEffect(() => {
    if (words === '' || list.current?.querySelector('[data-selected]')) return
    list.current?.querySelector('[data-action]')?.setAttribute('data-selected', 'true')
  })
  const go = (href: string) => {
    onClose()
    router.push(href)
  }
  return (
    <Spotlight.Root
      store={store}
      attributes={{ content: { 'aria-label': 'Find or do' } }}
      onSpotlightClose={onClose}
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      scrollable
      maxHeight={420}
    >
      <Spotlight.Search
        placeholder="Find a page, an instance, an image, a network …"
        aria-label="Find or do"
        leftSection={<IconSearch size={18} />}
      />
      <Spotlight.ActionsList ref={list}>
        {sections.map(({ label, entries }) => (
          <Spotlight.ActionsGroup key={label} label={label}>
            {entries.map((entry) => (
              <Spotlight.Action
                key={entry.id}
                label={entry.label}
                description={entry.description}
                leftSection={entry.icon}
                onClick={() => go(entry.href)}
              />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {sections.length === 0 && <Spotlight.Empty>Nothing has that name.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  )
}

/** Instances, networks and images whose name has the word. */
function useResources(typed: string): Entry[] {
  const trpc = useTRPC()
  const { project } = useSession()
  const [search] = useDebouncedValue(typed, 150)
  const input = { search, limit: 5 }
  const enabled = search.length > 0 && project !== null
  const options = { enabled, placeholderData: keepPreviousData }
  const instances = useQuery({ ...trpc.compute.instances.list.queryOptions(input), ...options })
  const networks = useQuery({ ...trpc.networking.networks.list.queryOptions(input), ...options })
  const images = useQuery({ ...trpc.images.list.queryOptions(input), ...options })
  if (typed === '') return []
  return [
    ...(instances.data?.items ?? []).map(({ id, name, status }) => ({
      id,
      label: name,
      description: `Instance · ${status}`,
      href: paths.instance(id),
      icon: <IconServer2 size={18} />,
    })),
    ...(networks.data?.items ?? []).map(({ id, name }) => ({
      id,
      label: name,
      description: 'Network',
      href: paths.network(id),
      icon: <IconNetwork size={18} />,
    })),
    ...(images.data?.items ?? []).map(({ id, name }) => ({
      id,
      label: name,
      description: 'Image',
      href: paths.image(id),
      icon: <IconDisc size={18} />,
    })),
  ]
}

/** Projects and users, for those whose business they are. */
function useDirectory(typed: string): Entry[] {
  const trpc = useTRPC()
  const { directory } = reachOf(useSession())
  const [search] = useDebouncedValue(typed, 150)
  const input = { search, limit: 5 }
  const options = { enabled: directory && search.length > 0, placeholderData: keepPreviousData }
  const projects = useQuery({ ...trpc.directory.projects.list.queryOptions(input), ...options })
  const users = useQuery({ ...trpc.directory.users.list.queryOptions(input), ...options })
  if (typed === '') return []
  return [
    ...(projects.data?.items ?? []).map(({ id, name, domainName }) => ({
      id,
      label: name,
      description: `Project · ${domainName}`,
      href: paths.project(id),
      icon: <IconFolders size={18} />,
    })),
    ...(users.data?.items ?? []).map(({ id, name, domainName }) => ({
      id,
      label: name,
      description: `User · ${domainName}`,
      href: paths.user(id),
      icon: <IconUser size={18} />,
    })),
  ]
}
