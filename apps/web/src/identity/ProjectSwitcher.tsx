'use client'
import { Text, UnstyledButton } from '@mantine/core'
import { IconCloud, IconFolder, IconSelector } from '@tabler/icons-react'
import { useState } from 'react'
import { lazyPart } from '../kit/lazy-part.tsx'
import { placeName } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import classes from './ProjectSwitcher.module.css'

const ProjectSwitcherOpen = lazyPart(() =>
  import('./ProjectSwitcherOpen.tsx').then((module) => module.ProjectSwitcherOpen),
)

/** Shows the project that the session is for. The list of projects is loaded when a pointer or the focus comes near. */
export function ProjectSwitcher() {
  const session = useSession()
  const [wanted, setWanted] = useState(false)
  const closed = (
    <UnstyledButton
      className={classes.target}
      aria-label={`Project: ${placeName(session)}. Switch the project`}
      aria-haspopup="listbox"
      aria-expanded={false}
      onClick={() => setWanted(true)}
      onMouseEnter={ProjectSwitcherOpen.ahead}
      onFocus={ProjectSwitcherOpen.ahead}
    >
      {session.project ? <IconFolder size={16} aria-hidden /> : <IconCloud size={16} aria-hidden />}
      <Text size="sm" fw={600} truncate>
        {placeName(session)}
      </Text>
      <IconSelector size={14} aria-hidden />
    </UnstyledButton>
  )
  if (!wanted) return closed
  return <ProjectSwitcherOpen waiting={closed} onMissing={() => setWanted(false)} />
}
