'use client'
import { Menu, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconLogout, IconMoon, IconSun } from '@tabler/icons-react'
import type { ReactElement } from 'react'
import { notify } from '../kit/notify.ts'
import { useSession } from '../kit/session.ts'
import { expectEnd, leave } from '../kit/session-end.ts'

/** The menu with the colour scheme and the sign-out; open from the start. */
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
          <Text size="xs">{roles.join(', ') || 'no role in this project'}</Text>
        </Menu.Label>
        <Menu.Divider />
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

/** Signs out. The API token has ended before this returns. */
async function signOut(): Promise<void> {
  expectEnd('signed-out')
  try {
    const auth = await import('next-auth/react')
    await auth.signOut({ redirect: false })
    leave('signed-out')
  } catch (error) {
    expectEnd(null)
    notify.failed(error)
  }
}
