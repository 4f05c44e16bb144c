'use client'
import { ActionIcon, Anchor, Burger, Button, Group, Kbd, Text } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconHelp, IconSearch } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { AccountMenu } from '../identity/AccountMenu.tsx'
import { ProjectSwitcher } from '../identity/ProjectSwitcher.tsx'
import { lazyPart } from '../kit/lazy-part.tsx'
import { Link, usePathname } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { Bell } from '../operations/Bell.tsx'
import { HelpSlot } from '../ui/help-slot.ts'
import { Logo } from '../ui/Logo.tsx'
import { HelpLink } from './HelpLink.tsx'
import { LiveIndicator } from './LiveIndicator.tsx'
import { closedTo, pageBefore } from './navigation.tsx'
import classes from './Shell.module.css'
import { SideBar } from './SideBar.tsx'

// These are loaded when they are shown for the first time.
const Palette = lazyPart(() => import('./Palette.tsx').then((module) => module.Palette), {
  browserOnly: true,
})
const ClosedPage = lazyPart(() => import('./ClosedPage.tsx').then((module) => module.ClosedPage))
const Help = lazyPart(() => import('./Help.tsx').then((module) => module.Help), { browserOnly: true })

/** The header, the side bar and the page. Below 768 px the side bar is a drawer. */
export function Shell({ children }: { children: ReactNode }) {
  const pathname = usePathname()
  const closed = closedTo(useSession(), pathname)
  const before = pageBefore(pathname)
  const [menuOpen, menu] = useDisclosure(false)
  const [paletteOpen, setPaletteOpen] = useState(false)
  const [helpOpen, setHelpOpen] = useState(false)
  useHotkeys([['mod+K', () => setPaletteOpen((open) => !open)]], [])
  // The shortcut does not work while somebody types in a field: the library ignores keys there by itself.
  useHotkeys([['shift+?', () => setHelpOpen(true)]])
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.header}>
        <Group h="100%" px="md" gap="xs" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap" style={{ minWidth: 0 }}>
            <Burger
              hiddenFrom="sm"
              size="sm"
              opened={menuOpen}
              onClick={menu.toggle}
              aria-label={menuOpen ? 'Close the navigation' : 'Open the navigation'}
              aria-expanded={menuOpen}
            />
            <Link href={paths.overview} className={classes.home} aria-label="Stratolith: overview">
              <Logo compact />
            </Link>
            <ProjectSwitcher />
          </Group>
          <Tools onFind={() => setPaletteOpen(true)} onHelp={() => setHelpOpen(true)} />
        </Group>
      </header>
      <SideBar open={menuOpen} onNavigate={menu.close} />
      <main id="content" tabIndex={-1} className={classes.main}>
        <HelpSlot value={<HelpLink />}>
          <div className={classes.page}>
            {before && !closed && (
              <Anchor component={Link} href={before.href} size="sm">
                {`← ${before.label}`}
              </Anchor>
            )}
            {closed ? <ClosedPage why={closed} /> : children}
          </div>
        </HelpSlot>
      </main>
      {paletteOpen && (
        <Palette
          onClose={() => setPaletteOpen(false)}
          onHelp={() => setHelpOpen(true)}
          onMissing={() => setPaletteOpen(false)}
        />
      )}
      {helpOpen && <Help onClose={() => setHelpOpen(false)} onMissing={() => setHelpOpen(false)} />}
    </div>
  )
}

/** The tools at the right end of the header. */
function Tools({ onFind, onHelp }: { onFind: () => void; onHelp: () => void }) {
  return (
    <Group gap={6} wrap="nowrap">
      <LiveIndicator />
      <Button
        variant="default"
        visibleFrom="md"
        leftSection={<IconSearch size={16} />}
        rightSection={<Kbd size="xs">Ctrl K</Kbd>}
        onClick={onFind}
      >
        <Text size="sm" c="dimmed">
          Find or do
        </Text>
      </Button>
      <ActionIcon hiddenFrom="md" variant="default" size={36} aria-label="Find or do" onClick={onFind}>
        <IconSearch size={18} />
      </ActionIcon>
      <Bell />
      <ActionIcon visibleFrom="sm" variant="default" size={36} aria-label="Help" onClick={onHelp}>
        <IconHelp size={18} />
      </ActionIcon>
      <AccountMenu />
    </Group>
  )
}
