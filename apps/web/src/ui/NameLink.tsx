import { Anchor, Text } from '@mantine/core'
import Link from 'next/link'

/** The name of a thing as the way to its page, with a dimmed line under it. */
export function NameLink({ href, name, detail }: { href: string; name: string; detail?: string | null }) {
  return (
    <div style={{ minWidth: 0 }}>
      <Anchor component={Link} href={href} fw={600} size="sm" lineClamp={1} title={name}>
        {name}
      </Anchor>
      {detail && (
        <Text size="xs" c="dimmed" lineClamp={1} title={detail}>
          {detail}
        </Text>
      )}
    </div>
  )
}
