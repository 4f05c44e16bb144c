'use client'
import { Combobox, InputBase, Loader, ScrollArea, Text, UnstyledButton, useCombobox } from '@mantine/core'
import type { PlacesView } from '@stratolith/api/identity/contract'
import { IconCheck, IconFolder, IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { placeKey, placeName } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import classes from './ProjectSwitcher.module.css'

/** The list of projects by name, then domains and the system; open from the start. Switching loads the portal again. */
export function ProjectSwitcherOpen() {
  const session = useSession()
  const here = placeKey(session)
  const trpc = useTRPC()
  const [search, setSearch] = useState('')
  const [busy, setBusy] = useState(false)
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
  const change = async (key: string) => {
    combobox.closeDropdown()
    const choice = shown.find((one) => one.key === key)
    if (key === here || !choice) return
    setBusy(true)
    try {
      await switchTo(choice.where)
      // The page is loaded again, so that no data of the other project stays in memory.
      window.location.assign(paths.overview)
    } catch (error) {
      setBusy(false)
      notify.failed(error)
    }
  }
  return (
    <Combobox
      store={combobox}
      width={280}
      position="bottom-start"
      withinPortal
      onOptionSubmit={(key) => void change(key)}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <UnstyledButton
          className={classes.target}
          onClick={() => combobox.toggleDropdown()}
          aria-label={`Project: ${placeName(session)}. Switch the project`}
          aria-haspopup="listbox"
          aria-expanded={combobox.dropdownOpened}
        >
          {busy ? <Loader size={14} /> : <IconFolder size={16} aria-hidden />}
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
            {shown.map(({ key, name, description }) => (
              <Combobox.Option key={key} value={key} active={key === here}>
                <div className={classes.option}>
                  <div>
                    <Text size="sm" fw={key === here ? 600 : 400}>
                      {name}
                    </Text>
                    {description && (
                      <Text size="xs" c="dimmed" lineClamp={1}>
                        {description}
                      </Text>
                    )}
                  </div>
                  {key === here && <IconCheck size={16} aria-label="current" />}
                </div>
              </Combobox.Option>
            ))}
            {places.isPending && <Combobox.Empty>Loading…</Combobox.Empty>}
            {places.isError && <Combobox.Empty>{places.error.message}</Combobox.Empty>}
            {places.data && shown.length === 0 && <Combobox.Empty>No project has that name.</Combobox.Empty>}
          </ScrollArea.Autosize>
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}

type Where = { projectId: string } | { domainId: string } | { system: true }
type Choice = { key: string; name: string; description: string; where: Where }

/** `key` is the placeKey of a session at that place. */
function choicesOf(places: PlacesView | undefined): Choice[] {
  if (!places) return []
  return [
    ...places.projects.map(({ id, name, description }) => ({
      key: id,
      name,
      description,
      where: { projectId: id },
    })),
    ...places.domains.map(({ id, name }) => ({
      key: `domain:${id}`,
      name: `Domain ${name}`,
      description: 'Its projects, users and groups',
      where: { domainId: id },
    })),
    ...(places.system
      ? [
          {
            key: 'system',
            name: 'Whole cloud',
            description: 'The system, outside of every project',
            where: { system: true as const },
          },
        ]
      : []),
  ]
}

async function switchTo(where: Where): Promise<void> {
  const answer = await fetch('/api/project', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(where),
  })
  if (!answer.ok) throw (await answer.json()).error
}
