'use client'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { isAwaited, takeAwaited } from '../kit/awaited.ts'
import { useLiveEvents } from '../kit/live.tsx'
import { notify } from '../kit/notify.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { endText, operationTitle } from './words.ts'

/** What this user has asked for is told when it could not be done, and what this tab began when it is done. */
export function OperationToasts(): null {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { userName } = useSession()
  const onEvent = useCallback(
    ({ kind, data, operationId, resourceId }: EventView) => {
      if (!kind.startsWith('operation.') || operationId === null) return
      const failed = data.state === 'failed'
      if (!failed && !(data.state === 'succeeded' && isAwaited(resourceId))) return
      client
        .fetchQuery(trpc.operations.get.queryOptions({ id: operationId }))
        .then((operation) => {
          if (operation.actorName !== userName) return
          const message = takeAwaited(resourceId)
          const name = operation.resourceName === '' ? '' : ` “${operation.resourceName}”`
          const end = endText(operation)
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
  useLiveEvents(onEvent)
  return null
}
