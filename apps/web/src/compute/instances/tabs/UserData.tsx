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

/** Decodes UTF-8. Other bytes are shown as replacement characters, which is better than showing nothing. */
const fromBase64 = (encoded: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)))
