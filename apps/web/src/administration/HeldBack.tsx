import { Alert } from '@mantine/core'
import type { HeldBackView } from '@stratolith/api/kernel/contract'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Ago } from '../kit/Ago.tsx'

/** Warns that a transaction of another program in the database delays what open pages learn of changes. */
export function HeldBack({ by }: { by: HeldBackView }) {
  const who = by.application || 'A program without a name'
  return (
    <Alert
      color="warn"
      variant="light"
      icon={<IconAlertTriangle />}
      title="Open pages learn of changes late"
      role="status"
    >
      {who} (database user {by.userName || 'unknown'}
      {by.pid === null ? ', prepared transaction' : `, process ${by.pid}`}) began a transaction in the cloud’s
      database <Ago iso={by.since} /> and has not ended it. Nothing is lost; this notice goes when it ends.
    </Alert>
  )
}
