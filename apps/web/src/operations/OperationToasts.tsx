'use client'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect } from 'react'
import { takeAwaited, tellEarlyEnds } from '../kit/awaited.ts'
import { useLiveEvents } from '../kit/live.tsx'
import { notify } from '../kit/notify.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { endToTell } from './end-to-tell.ts'
import { endText, operationTitle } from './words.ts'

/** Toasts: every failure of an operation of this user, and the success of operations that this tab has started. */
export function OperationToasts(): null {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { userName } = useSession()
  const tell = useCallback(
    (resourceId: string, operationId: string, failed: boolean) => {
      client
        .fetchQuery(trpc.operations.get.queryOptions({ id: operationId }))
        .then((operation) => {
          if (operation.actorName !== userName) return
          const end = endText(operation)
          // An operation without an end of its own, for example opening a console, does not use up the message that
          // waits for another operation.
          const message = end === null ? null : takeAwaited(resourceId)
          const name = operation.resourceName === '' ? '' : ` “${operation.resourceName}”`
          if (failed)
            notify.failedLater(
              `${operationTitle(operation)}${name} has failed`,
              operation.errorMessage ?? 'Its operation says more.',
            )
          else if (message && end) notify.ended(message, end)
        })
        .catch(notify.failed)
    },
    [client, trpc, userName],
  )
  const onEvent = useCallback(
    (event: EventView) => {
      const end = endToTell(event)
      if (end) tell(event.resourceId, end.operationId, end.failed)
    },
    [tell],
  )
  useLiveEvents(onEvent)
  useEffect(() => tellEarlyEnds((resourceId, operationId) => tell(resourceId, operationId, false)), [tell])
  return null
}
