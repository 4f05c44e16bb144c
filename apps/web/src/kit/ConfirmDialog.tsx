'use client'
import { Button, Checkbox, Group, List, Modal, Text } from '@mantine/core'
import { useState } from 'react'
import type { Asked } from './confirm.tsx'
import { dialogName } from './dialog-name.ts'

/** The dialog keeps its question while it fades away. Enter alone never confirms an action that cannot be undone. */
export function ConfirmDialog({ opened, question }: { opened: boolean; question: Asked | null }) {
  const [shown, setShown] = useState(question)
  const [ticked, setTicked] = useState(question?.option?.ticked ?? false)
  if (question !== null && question !== shown) {
    setShown(question)
    setTicked(question.option?.ticked ?? false)
  }
  const answer = (yes: boolean) => question?.answer({ yes, ticked })
  return (
    <Modal
      opened={opened}
      onClose={() => answer(false)}
      title={shown?.title}
      attributes={dialogName(shown?.title)}
      centered
      zIndex={400}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {shown?.body}
      {shown?.names && <Names names={shown.names} />}
      {shown?.left !== undefined && shown.left.length > 0 && (
        <>
          <Text size="sm" fw={600} mt="md">
            Left out
          </Text>
          <Names names={shown.left} />
        </>
      )}
      {shown?.option && (
        <Checkbox
          mt="md"
          label={shown.option.label}
          description={shown.option.description}
          checked={ticked}
          onChange={(event) => setTicked(event.currentTarget.checked)}
        />
      )}
      <Group justify="flex-end" gap="xs" mt="lg">
        <Button variant="default" data-autofocus={shown?.danger || undefined} onClick={() => answer(false)}>
          Cancel
        </Button>
        <Button
          color={shown?.danger ? 'bad' : undefined}
          data-autofocus={!shown?.danger || undefined}
          onClick={() => answer(true)}
        >
          {shown?.confirmLabel}
        </Button>
      </Group>
    </Modal>
  )
}

const Names = ({ names }: { names: readonly string[] }) => (
  <List size="sm" mt="xs" mah={220} style={{ overflowY: 'auto', overflowWrap: 'anywhere' }}>
    {names.map((name, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: two things may have one name, and the list does not change
      <List.Item key={index}>{name}</List.Item>
    ))}
  </List>
)
