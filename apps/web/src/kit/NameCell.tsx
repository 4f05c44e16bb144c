import { Text } from '@mantine/core'
import { NameLink } from './TableParts.tsx'

/** First column of a list: the name as the way to its page, with a dimmed line under it. */
export function NameCell({ href, name, detail }: { href: string; name: string; detail?: string | null }) {
  return (
    <div style={{ minWidth: 0 }}>
      <NameLink href={href}>{name}</NameLink>
      {detail && (
        <Text size="xs" c="dimmed" lineClamp={1} title={detail}>
          {detail}
        </Text>
      )}
    </div>
  )
}
