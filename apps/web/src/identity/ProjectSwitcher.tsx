'use client'
import { Text, UnstyledButton } from '@mantine/core'
import { IconCloud, IconFolder, IconSelector } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'
import { placeName } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import classes from './ProjectSwitcher.module.css'

const load = () => import('./ProjectSwitcherOpen.tsx')
const ProjectSwitcherOpen = lazy(() => load().then((module) => ({ default: module.ProjectSwitcherOpen })))

/** Which project the session works in; the list behind it is loaded when it is asked for. */
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
      onMouseEnter={() => void load()}
      onFocus={() => void load()}
    >
      {session.project ? <IconFolder size={16} aria-hidden /> : <IconCloud size={16} aria-hidden />}
      <Text size="sm" fw={600} truncate>
        {placeName(session)}
      </Text>
      <IconSelector size={14} aria-hidden />
    </UnstyledButton>
  )
  if (!wanted) return closed
  return (
    <Suspense fallback={closed}>
      <ProjectSwitcherOpen />
    </Suspense>
  )
}
