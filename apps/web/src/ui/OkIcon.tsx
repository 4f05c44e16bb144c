import { ThemeIcon } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'

/** A tick or a cross in front of a line. Screen readers read `label`; `badColor` is the colour of the cross. */
export function OkIcon({
  ok,
  label,
  badColor = 'warn',
}: {
  ok: boolean
  label: string
  badColor?: 'warn' | 'gray'
}) {
  return (
    <ThemeIcon size={18} variant="light" color={ok ? 'good' : badColor} role="img" aria-label={label}>
      {ok ? <IconCheck size={12} /> : <IconX size={12} />}
    </ThemeIcon>
  )
}
