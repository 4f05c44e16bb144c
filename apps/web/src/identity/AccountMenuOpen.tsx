'use client'
import { Menu, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconApi, IconLogout, IconMoon, IconSun, IconTable, IconUserCircle } from '@tabler/icons-react'
import type { ReactElement } from 'react'
import { useDensity } from '../kit/density.ts'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { signOut } from './sign-out.ts'

/** The menu with the user's own pages, the colour scheme, the density of rows and the sign-out; open from the start. */
export function AccountMenuOpen({ target }: { target: ReactElement }) {
  const { userName, roles } = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const other = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark'
  const [density, choose] = useDensity()
  const otherDensity = density === 'compact' ? 'comfortable' : 'compact'
  return (
    <Menu position="bottom-end" width={220} shadow="md" defaultOpened>
      <Menu.Target>{target}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            {userName}
          </Text>
          <Text size="xs">{roles.join(', ') || 'no role here'}</Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} href={paths.profile} leftSection={<IconUserCircle size={16} />}>
          Profile
        </Menu.Item>
        <Menu.Item component={Link} href={paths.apiAccess} leftSection={<IconApi size={16} />}>
          API access
        </Menu.Item>
        <Menu.Item
          leftSection={other === 'dark' ? <IconMoon size={16} /> : <IconSun size={16} />}
          onClick={() => setColorScheme(other)}
        >
          {other === 'dark' ? 'Dark mode' : 'Light mode'}
        </Menu.Item>
        <Menu.Item leftSection={<IconTable size={16} />} onClick={() => choose(otherDensity)}>
          {otherDensity === 'compact' ? 'Compact rows' : 'Comfortable rows'}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
