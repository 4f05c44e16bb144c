'use client'
import { ActionIcon } from '@mantine/core'
import { IconHelpCircle } from '@tabler/icons-react'
import { helpFor } from '../guide/help-for.ts'
import { placeLink } from '../guide/links.ts'
import { Link, usePathname } from '../kit/navigation.tsx'
import { rooms } from '../rooms.ts'
import { Hint } from '../ui/Hint.tsx'

/**
 * The link from a page to its place in the guide. The guide opens in a tab of its own, so that a half-typed form stays.
 */
export function HelpLink() {
  const place = helpFor(rooms, usePathname())
  if (place === null) return null
  return (
    <Hint label="What the guide says of this page (in a new tab)">
      <ActionIcon
        component={Link}
        href={placeLink(place)}
        target="_blank"
        variant="subtle"
        color="gray"
        aria-label="Help for this page"
      >
        <IconHelpCircle size={18} />
      </ActionIcon>
    </Hint>
  )
}
