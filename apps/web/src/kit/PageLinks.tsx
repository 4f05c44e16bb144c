'use client'
import { Box, Button } from '@mantine/core'
import { ActionMenu } from './ActionMenu.tsx'
import { Link, useRouter } from './navigation.tsx'

export type PageLink = { label: string; href: string }

/** Links to the pages that belong to a page, beside its title; where a phone has no room for them, in a menu. */
export function PageLinks({ label, links }: { label: string; links: readonly PageLink[] }) {
  const router = useRouter()
  const actions = links.map((link) => ({
    id: link.href,
    label: link.label,
    allowed: () => true as const,
    run: async () => router.push(link.href),
  }))
  return (
    <>
      {links.map(({ label: name, href }) => (
        <Button key={href} component={Link} href={href} variant="default" visibleFrom="sm">
          {name}
        </Button>
      ))}
      <Box hiddenFrom="sm">
        <ActionMenu
          label={label}
          asButton
          actions={actions}
          view={null}
          onRun={({ id }) => router.push(id)}
        />
      </Box>
    </>
  )
}
