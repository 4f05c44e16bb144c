import { NameLink } from './TableParts.tsx'
import { TwoLines } from './TwoLines.tsx'

/** First column of a list: the name as the way to its page, with a dimmed line under it. */
export function NameCell({ href, name, detail }: { href: string; name: string; detail?: string | null }) {
  return (
    <TwoLines second={detail}>
      <NameLink href={href}>{name}</NameLink>
    </TwoLines>
  )
}
