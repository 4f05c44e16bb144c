import { Paper, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import classes from './Section.module.css'

/** A card of a page: its title, with the actions on what the card shows, and below a line what the card is about. */
export function Section({
  title,
  description,
  action,
  children,
}: {
  title?: string
  description?: ReactNode
  action?: ReactNode
  children: ReactNode
}) {
  const id = useId()
  return (
    <Paper component="section" withBorder radius="md" aria-labelledby={title ? id : undefined}>
      {(title || action) && (
        <div className={classes.head}>
          <Stack gap={2} miw={0}>
            {title && (
              <Title order={2} size="h5" id={id}>
                {title}
              </Title>
            )}
            {description && (
              <Text size="sm" c="dimmed" component="div">
                {description}
              </Text>
            )}
          </Stack>
          {action}
        </div>
      )}
      <div className={classes.body}>{children}</div>
    </Paper>
  )
}
