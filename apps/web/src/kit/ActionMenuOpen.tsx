'use client'
import { ActionIcon, Menu, Text } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import type { MenuEntry } from './ActionMenu.tsx'

/** The menu itself, open from the start. What cannot be done says why below its name. */
export function ActionMenuOpen({
  label,
  asButton,
  entries,
}: {
  label: string
  asButton: boolean
  entries: MenuEntry[]
}) {
  return (
    <Menu position="bottom-end" withinPortal shadow="md" width={240} defaultOpened>
      <Menu.Target>
        <ActionIcon
          variant={asButton ? 'default' : 'subtle'}
          color="gray"
          size={asButton ? 36 : 'md'}
          aria-label={label}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {entries.map(({ id, label: words, icon, danger, allowed, run }) => (
          <Menu.Item
            key={id}
            leftSection={icon}
            color={danger && allowed === true ? 'red' : undefined}
            aria-disabled={allowed !== true}
            data-disabled={allowed === true ? undefined : true}
            closeMenuOnClick={allowed === true}
            onClick={() => allowed === true && run()}
          >
            {words}
            {allowed !== true && (
              <Text size="xs" c="dimmed" maw={240} style={{ whiteSpace: 'normal' }}>
                {allowed}
              </Text>
            )}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
