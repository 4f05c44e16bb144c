'use client'
import { ActionIcon, Menu, Text } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import type { MenuEntry } from './ActionMenu.tsx'
import { inMenuOrder, menuOrder } from './menu-order.ts'
import { useReturnFocus } from './return-focus.ts'
import { dangerText } from './theme.ts'

/**
 * The menu itself, open from the start. An action that is not possible shows the reason below its name, and stands behind
 * those that are possible. The order is that of the moment of opening: an event must not move entries under the pointer. A
 * menu that is too long for the window is scrolled.
 */
export function ActionMenuOpen({
  label,
  asButton,
  entries,
}: {
  label: string
  asButton: boolean
  entries: MenuEntry[]
}) {
  const [opened, setOpened] = useState(true)
  const [order, setOrder] = useState(() => menuOrder(entries))
  const button = useRef<HTMLButtonElement>(null)
  const change = (open: boolean) => {
    if (open) setOrder(menuOrder(entries))
    setOpened(open)
  }
  useReturnFocus(opened, () => button.current)
  return (
    <Menu position="bottom-end" withinPortal shadow="md" width={240} opened={opened} onChange={change}>
      <Menu.Target>
        <ActionIcon
          ref={button}
          variant={asButton ? 'default' : 'subtle'}
          color="gray"
          size={asButton ? 36 : 26}
          aria-label={label}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown mah="min(80dvh, 40rem)" style={{ overflowY: 'auto' }}>
        {inMenuOrder(entries, order).map(({ id, label: words, icon, danger, allowed, run }) => (
          <Menu.Item
            key={id}
            leftSection={icon}
            // Mantine's "disabled" is not used, because the arrow keys skip such items and nobody could read the
            // reason.
            aria-disabled={allowed !== true}
            c={allowed === true ? (danger ? dangerText : undefined) : 'dimmed'}
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
