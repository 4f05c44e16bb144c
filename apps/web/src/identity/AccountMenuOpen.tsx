'use client'
import { Menu, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconApi, IconLogout, IconMoon, IconSun, IconUserCircle } from '@tabler/icons-react'
import type { ReactElement } from 'react'
import { Link } from '../kit/navigation.tsx'
import { paths } from '../kit/paths.ts'
import { useSession } from '../kit/session.ts'
import { signOut } from './sign-out.ts'

/** One's own pages, the colour scheme and the way out; open from the start. */
export function AccountMenuOpen({ target }: { target: ReactElement }) {
  const { userName, roles } = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const other = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark'
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
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
