'use client'
import { ActionIcon, Menu, Text } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { Fragment, useRef, useState } from 'react'
import classes from './ActionMenu.module.css'
import type { MenuEntry } from './ActionMenu.tsx'
import { asOpened, menuParts } from './menu-order.ts'
import { useReturnFocus } from './return-focus.ts'
import { dangerText } from './theme.ts'

/**
 * The menu itself, open from the start. An action that is not possible shows the reason below its name. In a menu that is
 * too long for the window, the dangerous actions stay in sight and the others are scrolled.
 */
export function ActionMenuOpen({
  label,
  asButton,
  entries,
  everything,
}: {
  label: string
  asButton: boolean
  entries: MenuEntry[]
  /** The entries, and what stands beside the menu at the moment. */
  everything: MenuEntry[]
}) {
  const [opened, setOpened] = useState(true)
  const [before, setBefore] = useState(entries)
  const button = useRef<HTMLButtonElement>(null)
  const change = (open: boolean) => {
    if (open) setBefore(entries)
    setOpened(open)
  }
  useReturnFocus(opened, () => button.current)
  const { safe, danger } = menuParts(asOpened(before, everything))
  return (
    <Menu
      position="bottom-end"
      withinPortal
      shadow="md"
      width={240}
      // The menu is as high as the side of its button that has more room.
      middlewares={{ size: { padding: 8 }, flip: { fallbackStrategy: 'bestFit' } }}
      opened={opened}
      onChange={change}
    >
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
      <Menu.Dropdown style={{ display: 'flex', flexDirection: 'column' }}>
        <div className={classes.items}>
          {safe.map((part, index) => (
            <Fragment key={part[0]?.id}>
              {index > 0 && <Menu.Divider />}
              {part.map(item)}
            </Fragment>
          ))}
        </div>
        {safe.length > 0 && danger.length > 0 && <Menu.Divider />}
        {danger.map(item)}
      </Menu.Dropdown>
    </Menu>
  )
}

const item = ({ id, label, icon, danger, allowed, run }: MenuEntry) => (
  <Menu.Item
    key={id}
    leftSection={icon}
    // Mantine's "disabled" is not used, because the arrow keys skip such items and nobody could read the reason.
    aria-disabled={allowed !== true}
    c={allowed === true ? (danger ? dangerText : undefined) : 'dimmed'}
    closeMenuOnClick={allowed === true}
    onClick={() => allowed === true && run()}
    style={{ flexShrink: 0 }}
  >
    {label}
    {allowed !== true && (
      <Text size="xs" c="dimmed" maw={240} style={{ whiteSpace: 'normal' }}>
        {allowed}
      </Text>
    )}
  </Menu.Item>
)
