'use client'
import type { EventView } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useLiveEvents } from '../kit/live.tsx'
import { notify } from '../kit/notify.ts'
import { useSession } from '../kit/session.ts'
import { useTRPC } from '../kit/trpc.ts'
import { operationTitle } from './words.ts'

/** What this user has asked for and what could not be done is said on whichever page he is by then. */
export function FailureToasts(): null {
  const trpc = useTRPC()
  const client = useQueryClient()
  const { userName } = useSession()
  const onEvent = useCallback(
    ({ kind, data, operationId }: EventView) => {
      if (!kind.startsWith('operation.') || data.state !== 'failed' || operationId === null) return
      client
        .fetchQuery(trpc.operations.get.queryOptions({ id: operationId }))
        .then((operation) => {
          if (operation.actorName !== userName) return
          const name = operation.resourceName === '' ? '' : ` “${operation.resourceName}”`
          notify.failedLater(
            `${operationTitle(operation)}${name} has failed`,
            operation.errorMessage ?? 'Its operation says more.',
          )
        })
        .catch(notify.failed)
    },
    [client, trpc, userName],
  )
  useLiveEvents(onEvent)
  return null
}
