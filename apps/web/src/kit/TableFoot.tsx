'use client'
import { Button, Group, Text } from '@mantine/core'
import type { Page } from '@stratolith/api/kernel/contract'
import { inSentence } from './descriptor.ts'
import { countText } from './list-query.ts'

/** Says how many rows there are and which of them are shown, and links to the other pages. */
export function TableFoot({
  list,
  words,
}: {
  list: {
    rows: readonly unknown[]
    count: Pick<Page<unknown>, 'first' | 'total' | 'atLeast'>
    next: string | null
    previous: string | null
    paged: boolean
    goTo: (to: string | null) => void
  }
  words: { noun: string; plural: string }
}) {
  const { rows, count, next, previous, paged, goTo } = list
  const names = { one: inSentence(words.noun), many: inSentence(words.plural) }
  const turn = (label: string, to: string | null, isOff: boolean) => (
    <Button size="xs" variant="default" disabled={isOff} onClick={() => goTo(to)}>
      {label}
    </Button>
  )
  return (
    <Group justify="space-between" mt="sm" mih={30}>
      <Text size="sm" c="dimmed" role="status">
        {countText(count, rows.length, names)}
      </Text>
      {(paged || next !== null || previous !== null) && (
        <Group gap="xs">
          {turn('First page', null, previous === null && !paged)}
          {turn('Previous page', previous, previous === null)}
          {turn('Next page', next, next === null)}
        </Group>
      )}
    </Group>
  )
}
