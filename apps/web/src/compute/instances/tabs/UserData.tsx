import { Code } from '@mantine/core'
import { Section } from '../../../ui/Section.tsx'

export function UserData({ encoded }: { encoded: string }) {
  return (
    <Section title="User data" description="What the guest was given at its first boot.">
      <Code block mah={280} style={{ overflow: 'auto' }} tabIndex={0} aria-label="User data">
        {fromBase64(encoded)}
      </Code>
    </Section>
  )
}

/** UTF-8; something else is shown with replacement characters rather than not at all. */
const fromBase64 = (encoded: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)))
