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

/** What this user has asked for is told when it could not be done, and what this tab began when it is done. */
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
          // What has no end of its own, a console for example, leaves what is awaited to what has.
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
