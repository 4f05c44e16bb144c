import { Container, Title } from '@mantine/core'
import type { Metadata } from 'next'
import { LinkedConsole } from '../../compute/consoles/LinkedConsole.tsx'

export const metadata: Metadata = { title: 'Console', referrer: 'no-referrer' }

export default async function Page({ searchParams }: { searchParams: Promise<{ token?: string }> }) {
  const { token } = await searchParams
  return (
    <Container component="main" size="lg" py="md">
      <Title order={1} size="h3" mb="sm">
        Console
      </Title>
      <LinkedConsole token={typeof token === 'string' ? token : ''} />
    </Container>
  )
}
