'use client'
import { Stack, Text, Title } from '@mantine/core'
import { createContext, type ReactNode } from 'react'
import classes from './EmptyState.module.css'

/** True inside of an empty state. Its action repeats the main action of the title row, so it is no second primary button. */
export const InEmptyState = createContext(false)

/** Says that nothing is here yet, and what to do about that. */
export function EmptyState({
  icon,
  title,
  text,
  action,
}: {
  icon?: ReactNode
  title: string
  text: ReactNode
  action?: ReactNode
}) {
  return (
    <Stack align="center" gap="xs" py={48} px="md">
      {icon && (
        <div className={classes.ground} aria-hidden>
          <Layers />
          <span className={classes.icon}>{icon}</span>
        </div>
      )}
      <Title order={2} size="h4" ta="center">
        {title}
      </Title>
      <Text c="dimmed" size="sm" ta="center" maw={440} component="div">
        {text}
      </Text>
      <InEmptyState value>{action}</InEmptyState>
    </Stack>
  )
}

function Layers() {
  return (
    <svg className={classes.layers} width="120" height="50" viewBox="0 0 120 50" aria-hidden="true">
      <path d="M60 18 112 34 60 50 8 34z" fill="var(--stratolith-sunken)" />
      <path d="M60 9 112 25 60 41 8 25z" fill="var(--mantine-color-default-border)" />
      <path
        d="M60 0 112 16 60 32 8 16z"
        fill="var(--mantine-color-body)"
        stroke="var(--mantine-color-default-border)"
      />
    </svg>
  )
}
