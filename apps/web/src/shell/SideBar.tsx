'use client'
import { AppShell, NavLink, ScrollArea } from '@mantine/core'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useSession } from '../kit/session.ts'
import { isHere, navigationFor } from './navigation.tsx'
import classes from './Shell.module.css'

export function SideBar({ onNavigate }: { onNavigate: () => void }) {
  const { isAdmin } = useSession()
  const pathname = usePathname()
  return (
    <AppShell.Navbar aria-label="Main navigation">
      <AppShell.Section grow component={ScrollArea} px="xs" pb="md">
        {navigationFor(isAdmin).map((group) => (
          <section key={group.label} aria-label={group.label}>
            <div className={classes.group} aria-hidden>
              {group.label}
            </div>
            {group.items.map((item) => {
              const active = isHere(item.href, pathname)
              return (
                <NavLink
                  key={item.href}
                  component={Link}
                  href={item.href}
                  label={item.label}
                  leftSection={item.icon}
                  active={active}
                  aria-current={active ? 'page' : undefined}
                  className={classes.item}
                  onClick={onNavigate}
                />
              )
            })}
          </section>
        ))}
      </AppShell.Section>
    </AppShell.Navbar>
  )
}
