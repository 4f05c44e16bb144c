import { Skeleton } from '@mantine/core'

export function ConsoleLoading() {
  return (
    <Skeleton
      height="clamp(368px, calc(100dvh - 282px), 948px)"
      radius="md"
      role="status"
      aria-label="Loading"
    />
  )
}
