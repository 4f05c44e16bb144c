'use client'
import { IconCloud, IconFolder } from '@tabler/icons-react'
import { Link } from '../kit/navigation.tsx'
import { cloudPlace } from '../kit/paths.ts'
import { reachOf } from '../kit/place.ts'
import { useSession } from '../kit/session.ts'
import { modeOf } from './navigation.tsx'
import classes from './Shell.module.css'

/**
 * Switches between the person's project and the pages of the cloud or of a domain, for people who may see more than
 * projects.
 */
export function ModeSwitch({ onNavigate }: { onNavigate: () => void }) {
  const session = useSession()
  if (!session.beyond) return null
  const mode = modeOf(session)
  const wide = mode === 'cloud' && !reachOf(session).cloud ? 'Domain' : 'Cloud'
  const modes = [
    ...(session.home
      ? [{ id: 'project', label: 'Project', href: `/${session.home}`, icon: IconFolder }]
      : []),
    { id: 'cloud', label: wide, href: `/${cloudPlace}`, icon: IconCloud },
  ]
  return (
    <ul aria-label="What is shown" className={`${classes.list} ${classes.modes}`}>
      {modes.map(({ id, label, href, icon: Icon }) => (
        <li key={id} style={{ display: 'flex', flex: 1 }}>
          <Link
            href={href}
            // A prefetch would make the session of the other place without need.
            prefetch={false}
            className={classes.mode}
            aria-current={id === mode ? 'true' : undefined}
            onClick={onNavigate}
          >
            <Icon size={16} aria-hidden />
            {label}
          </Link>
        </li>
      ))}
    </ul>
  )
}
