'use client'
import { createSpotlight, Spotlight } from '@mantine/spotlight'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useRouter } from '../kit/navigation.tsx'
import { reachOf } from '../kit/place.ts'
import { useReturnFocus } from '../kit/return-focus.ts'
import { useMay } from '../kit/rights.ts'
import { useSession } from '../kit/session.ts'
import { navigationFor } from './navigation.tsx'
import classes from './Palette.module.css'
import { type Entry, useDirectory, useResources } from './palette-found.tsx'
import { useCommands, useVerbs } from './palette-verbs.tsx'

const [store, palette] = createSpotlight()

/** The palette of Ctrl-K: pages, things to make and to do, and resources by name, address or ID. */
export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const router = useRouter()
  const [query, setQuery] = useState('')
  const words = query.trim().toLowerCase()
  const sections = useSections(query.trim(), words, onHelp)
  const list = useRef<HTMLDivElement>(null)
  useReturnFocus(true)
  // Mantine's store must know that the palette is open: otherwise neither Escape nor a click outside could close it.
  useEffect(() => {
    palette.open()
    return palette.close
  }, [])
  // Mantine selects the first entry while the person types, but resources arrive later, perhaps in an empty list.
  useEffect(() => {
    if (words === '' || list.current?.querySelector('[data-selected]')) return
    list.current?.querySelector('[data-action]')?.setAttribute('data-selected', 'true')
  })
  const choose = (entry: Entry) => {
    onClose()
    if ('href' in entry) router.push(entry.href)
    else entry.run()
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
      overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
      classNames={{ actionsGroup: classes.group, actionBody: classes.body, actionLabel: classes.label }}
    >
      <Spotlight.Search
        placeholder="A name, an address, an ID, or “stop web” …"
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
                onClick={() => choose(entry)}
              />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {sections.length === 0 && <Spotlight.Empty>Nothing has that name, address or ID.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  )
}

/** Returns the sections of the palette without empty ones. */
function useSections(
  typed: string,
  words: string,
  onHelp: () => void,
): { label: string; entries: Entry[] }[] {
  const { pages, makers } = usePages()
  const matches = (entries: Entry[]) => entries.filter(({ label }) => label.toLowerCase().includes(words))
  const actions = useVerbs(typed)
  const commands = useCommands({ onHelp }).filter(({ words: known }) => known.includes(words))
  const found = [...useResources(typed), ...useDirectory(typed)]
  return [
    { label: 'Do', entries: actions },
    { label: 'Pages', entries: matches(pages) },
    { label: 'Make', entries: matches(makers) },
    { label: 'Resources', entries: found },
    { label: 'Portal', entries: commands },
  ].filter(({ entries }) => entries.length > 0)
}

/** Returns the pages; in the cloud also those of the project from which the person came. */
function usePages(): { pages: Entry[]; makers: Entry[] } {
  const session = useSession()
  const may = useMay()
  const project = session.project ?? (session.home ? { id: session.home, name: '' } : null)
  const groups = navigationFor({ ...session, project })
  // The palette offers nothing that the person's role would refuse.
  const makes = {
    everyone: true,
    project: may() === true,
    directory: reachOf(session).manages(null),
    cloud: session.isAdmin,
  }
  return {
    pages: groups.flatMap(({ items }) =>
      items.map(({ label, href, icon }) => ({ id: href, label, href, icon })),
    ),
    makers: groups.flatMap(({ for: audience, items }) =>
      items.flatMap(({ create }) =>
        create && makes[audience] ? [{ id: create.href, ...create, icon: <IconPlus size={18} /> }] : [],
      ),
    ),
  }
}
