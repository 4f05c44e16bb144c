'use client'
import { NavLink } from '@mantine/core'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useSession } from '../kit/session.ts'
import { isHere, navigationFor } from './navigation.tsx'
import classes from './Shell.module.css'

/** The list is longer than a screen: the page that one is on shall be seen in it. */
const intoView = (item: HTMLElement | null): void => item?.scrollIntoView({ block: 'nearest' })

/** Below 768 px it lies over the page while `open`. */
export function SideBar({ open, onNavigate }: { open: boolean; onNavigate: () => void }) {
  const session = useSession()
  const pathname = usePathname()
  return (
    <nav aria-label="Main navigation" className={classes.sidebar} data-open={open || undefined}>
      {navigationFor(session).map((group) => (
        <div key={group.label}>
          <div className={classes.group} aria-hidden>
            {group.label}
          </div>
          <ul aria-label={group.label} className={classes.list}>
            {group.items.map((item) => {
              const active = isHere(item.href, pathname)
              return (
                <li key={item.href} ref={active ? intoView : null}>
                  <NavLink
                    component={Link}
                    href={item.href}
                    label={item.label}
                    leftSection={item.icon}
                    active={active}
                    aria-current={active ? 'page' : undefined}
                    className={classes.item}
                    onClick={onNavigate}
                  />
                </li>
              )
            })}
          </ul>
        </div>
      ))}
    </nav>
  )
}
