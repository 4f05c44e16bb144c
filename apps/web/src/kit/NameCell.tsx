import { NameLink } from './TableParts.tsx'
import { TwoLines } from './TwoLines.tsx'

/** The first column of a list: the name as a link to the thing's page, with a dimmed line under it. */
export function NameCell({ href, name, detail }: { href: string; name: string; detail?: string | null }) {
  return (
    <TwoLines second={detail}>
      <NameLink href={href}>{name}</NameLink>
    </TwoLines>
  )
}
