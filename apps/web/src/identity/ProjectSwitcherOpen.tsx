'use client'
import {
  Button,
  Combobox,
  InputBase,
  Loader,
  ScrollArea,
  Text,
  UnstyledButton,
  useCombobox,
} from '@mantine/core'
import type { PlacesView } from '@stratolith/api/identity/contract'
import { IconCheck, IconCloud, IconFolder, IconPin, IconPinnedOff, IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { askPortal } from '../kit/ask-portal.ts'
import { usePathname } from '../kit/navigation.tsx'
import { notify } from '../kit/notify.ts'
import { cloudPlace, paths, placed } from '../kit/paths.ts'
import { placeName } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { sameKind } from '../shell/navigation.tsx'
import { inGroups, ownProjects, togglePin } from './own-projects.ts'
import classes from './ProjectSwitcher.module.css'

/** The list of projects by name, then domains and the system; open from the start. Switching loads the portal again. */
export function ProjectSwitcherOpen() {
  const session = useSession()
  // A page of the cloud may be shown by the rights of a project, but is not a page of that project.
  const here = session.project || session.domain || session.system ? session.place : ''
  const { busy, go } = useSwitch()
  const [own, setOwn] = useState(() => ownProjects(localStorage, session.userId))
  const trpc = useTRPC()
  const [search, setSearch] = useState('')
  const combobox = useCombobox({
    defaultOpened: true,
    onDropdownClose: () => {
      combobox.resetSelectedOption()
      combobox.focusTarget()
      setSearch('')
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  })
  const places = useQuery({ ...trpc.identity.places.queryOptions(), enabled: combobox.dropdownOpened })
  const words = search.trim().toLowerCase()
  const shown = choicesOf(places.data).filter(
    ({ name, description }) =>
      name.toLowerCase().includes(words) || description.toLowerCase().includes(words),
  )
  // The list starts open, and only the act of opening would move the focus into the search field.
  useEffect(() => combobox.focusSearchInput(), [combobox.focusSearchInput])
  // An option can be selected only once it is drawn, which may be after the user has typed.
  useEffect(() => {
    if (words && shown.length > 0) combobox.selectFirstOption()
  }, [words, shown.length, combobox.selectFirstOption])
  const PlaceIcon = session.project ? IconFolder : IconCloud
  const change = (key: string) => {
    combobox.closeDropdown()
    const choice = shown.find((one) => one.key === key)
    if (choice && key !== here) void go(choice)
  }
  return (
    <Combobox store={combobox} width={280} position="bottom-start" withinPortal onOptionSubmit={change}>
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <UnstyledButton
          className={classes.target}
          onClick={() => combobox.toggleDropdown()}
          aria-label={`Project: ${placeName(session)}. Switch the project`}
          aria-haspopup="listbox"
          aria-expanded={combobox.dropdownOpened}
        >
          {busy ? <Loader size={14} /> : <PlaceIcon size={16} aria-hidden />}
          <Text size="sm" fw={600} truncate>
            {placeName(session)}
          </Text>
          <IconSelector size={14} aria-hidden />
        </UnstyledButton>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          component={InputBase}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          placeholder="Find a project"
          aria-label="Find a project"
        />
        <Combobox.Options aria-label="Projects">
          <ScrollArea.Autosize mah={280} type="scroll">
            <Groups groups={inGroups(shown, own)} here={here} />
            {places.isPending && <Combobox.Empty>Loading…</Combobox.Empty>}
            {places.isError && <Combobox.Empty>{places.error.message}</Combobox.Empty>}
            {places.data && shown.length === 0 && <Combobox.Empty>No project has that name.</Combobox.Empty>}
          </ScrollArea.Autosize>
        </Combobox.Options>
        {session.project && (
          <Pin
            pinned={own.pinned.includes(session.at)}
            onToggle={() => setOwn(togglePin(localStorage, session.userId, session.at))}
          />
        )}
      </Combobox.Dropdown>
    </Combobox>
  )
}

/** Opens the same kind of page at the other place. The page is loaded, so that no data of the place before stays in memory. */
function useSwitch(): { busy: boolean; go: (choice: Choice) => Promise<void> } {
  const session = useSession()
  const pathname = usePathname()
  const [busy, setBusy] = useState(false)
  const go = async ({ where, projectId }: Choice) => {
    setBusy(true)
    try {
      await askPortal('/api/project', session, where)
      const there = { ...session, at: projectId ?? cloudPlace, home: projectId }
      window.location.assign(placed(there, projectId === null ? paths.overview : sameKind(pathname)))
    } catch (error) {
      setBusy(false)
      notify.failed(error)
    }
  }
  return { busy, go }
}

function Groups({ groups, here }: { groups: ReturnType<typeof inGroups<Choice>>; here: string }) {
  return groups.map(({ label, choices }) => (
    <Combobox.Group key={label} label={label}>
      {choices.map((choice) => (
        <Option key={choice.key} choice={choice} current={choice.key === here} />
      ))}
    </Combobox.Group>
  ))
}

function Pin({ pinned, onToggle }: { pinned: boolean; onToggle: () => void }) {
  return (
    <Combobox.Footer>
      <Button
        fullWidth
        size="xs"
        variant="subtle"
        leftSection={pinned ? <IconPinnedOff size={14} /> : <IconPin size={14} />}
        onClick={onToggle}
      >
        {pinned ? 'Unpin this project' : 'Pin this project'}
      </Button>
    </Combobox.Footer>
  )
}

function Option({ choice: { key, name, description }, current }: { choice: Choice; current: boolean }) {
  return (
    <Combobox.Option value={key} active={current}>
      <div className={classes.option}>
        <div>
          <Text size="sm" fw={current ? 600 : 400}>
            {name}
          </Text>
          {description && (
            <Text size="xs" c="dimmed" lineClamp={1}>
              {description}
            </Text>
          )}
        </div>
        {current && <IconCheck size={16} aria-label="current" />}
      </div>
    </Combobox.Option>
  )
}

type Where = { projectId: string } | { domainId: string } | { system: true }
type Choice = { key: string; name: string; description: string; where: Where; projectId: string | null }

/** `key` is the placeKey of a session at that place. */
function choicesOf(places: PlacesView | undefined): Choice[] {
  if (!places) return []
  return [
    ...places.projects.map(({ id, name, description }) => ({
      key: id,
      name,
      description,
      where: { projectId: id },
      projectId: id,
    })),
    ...places.domains.map(({ id, name }) => ({
      key: `domain:${id}`,
      name: `Domain ${name}`,
      description: 'Its projects, users and groups',
      where: { domainId: id },
      projectId: null,
    })),
    ...(places.system
      ? [
          {
            key: 'system',
            name: 'Whole cloud',
            description: 'The system, outside of every project',
            where: { system: true as const },
            projectId: null,
          },
        ]
      : []),
  ]
}
