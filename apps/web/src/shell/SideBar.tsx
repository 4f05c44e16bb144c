'use client'
import { Link, usePathname } from '../kit/navigation.tsx'
import { useSession } from '../kit/session.ts'
import { ModeSwitch } from './ModeSwitch.tsx'
import { isMarked, sideBarFor } from './navigation.tsx'
import classes from './Shell.module.css'

/** On a low screen the side bar scrolls, so the entry of the open page is brought into view. */
const intoView = (item: HTMLElement | null): void => item?.scrollIntoView({ block: 'nearest' })

/** The side bar. Below 768 px it covers the page while `open`. */
export function SideBar({ open, onNavigate }: { open: boolean; onNavigate: () => void }) {
  const session = useSession()
  const pathname = usePathname()
  return (
    <nav aria-label="Main navigation" className={classes.sidebar} data-open={open || undefined}>
      <ModeSwitch onNavigate={onNavigate} />
      {sideBarFor(session).map((group) => (
        <div key={group.label}>
          {group.hidden === undefined && (
            <div className={classes.group} aria-hidden>
              {group.label}
            </div>
          )}
          <ul aria-label={group.label} className={classes.list}>
            {group.items.map((item) => {
              const active = isMarked(item.href, pathname)
              return (
                <li key={item.href} ref={active ? intoView : null}>
                  <Link
                    href={item.href}
                    data-active={active || undefined}
                    aria-current={active ? 'page' : undefined}
                    className={classes.item}
                    onClick={onNavigate}
                  >
                    {item.icon}
                    <span className={classes.word}>{item.label}</span>
                  </Link>
                </li>
              )
            })}
          </ul>
        </div>
      ))}
    </nav>
  )
}
