'use client'
import { Combobox, InputBase, Loader, ScrollArea, Text, UnstyledButton, useCombobox } from '@mantine/core'
import { IconCheck, IconFolder, IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { notify } from '../kit/notify.ts'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import classes from './ProjectSwitcher.module.css'

/** The projects by name, open from the start. Switching starts the portal anew. */
export function ProjectSwitcherOpen() {
  const { project } = useSession()
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
  const projects = useQuery({ ...trpc.identity.ownProjects.queryOptions(), enabled: combobox.dropdownOpened })
  const words = search.trim().toLowerCase()
  const shown = (projects.data ?? []).filter(
    ({ name, description }) =>
      name.toLowerCase().includes(words) || description.toLowerCase().includes(words),
  )
  // It is born open, and only opening moves the focus into the search field.
  useEffect(() => combobox.focusSearchInput(), [combobox.focusSearchInput])
  // Selection is a matter of the drawn options, which may arrive after the word was typed.
  useEffect(() => {
    if (words && shown.length > 0) combobox.selectFirstOption()
  }, [words, shown.length, combobox.selectFirstOption])
  const change = async (id: string) => {
    combobox.closeDropdown()
    if (id === project?.id) return
    setBusy(true)
    try {
      await switchProject(id)
      // Nothing of the other project may stay in memory.
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
      onOptionSubmit={(id) => void change(id)}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <UnstyledButton
          className={classes.target}
          onClick={() => combobox.toggleDropdown()}
          aria-label={`Project: ${project?.name ?? 'none'}. Switch the project`}
          aria-haspopup="listbox"
          aria-expanded={combobox.dropdownOpened}
        >
          {busy ? <Loader size={14} /> : <IconFolder size={16} aria-hidden />}
          <Text size="sm" fw={600} truncate>
            {project?.name ?? 'No project'}
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
            {shown.map(({ id, name, description }) => (
              <Combobox.Option key={id} value={id} active={id === project?.id}>
                <div className={classes.option}>
                  <div>
                    <Text size="sm" fw={id === project?.id ? 600 : 400}>
                      {name}
                    </Text>
                    {description && (
                      <Text size="xs" c="dimmed" lineClamp={1}>
                        {description}
                      </Text>
                    )}
                  </div>
                  {id === project?.id && <IconCheck size={16} aria-label="current" />}
                </div>
              </Combobox.Option>
            ))}
            {projects.isPending && <Combobox.Empty>Loading…</Combobox.Empty>}
            {projects.isError && <Combobox.Empty>{projects.error.message}</Combobox.Empty>}
            {projects.data && shown.length === 0 && (
              <Combobox.Empty>No project has that name.</Combobox.Empty>
            )}
          </ScrollArea.Autosize>
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}

async function switchProject(projectId: string): Promise<void> {
  const answer = await fetch('/api/project', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ projectId }),
  })
  if (!answer.ok) throw (await answer.json()).error
}
