import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'
import { photoQuery } from './photo-query.ts'
import { invalidatePaths, rereadKind } from './stale.ts'

test('no event takes a photograph again, and whoever asks for one gets one', async () => {
  const client = new QueryClient()
  const asked = { photograph: 0, onRequest: 0, list: 0 }
  const follow = (key: keyof typeof asked, path: string[], options: object = {}) => {
    const queryFn = async () => {
      asked[key] += 1
      return asked[key]
    }
    const observer = new QueryObserver(client, { queryKey: [path], queryFn, ...options })
    observer.subscribe(vi.fn())
    return observer
  }
  follow('list', ['volumes', 'list'])
  follow('photograph', ['volumes', 'manage', 'list'], photoQuery)
  const lost = follow('onRequest', ['volumes', 'manage', 'lost'], { ...photoQuery, enabled: false })
  await vi.waitFor(() => expect(asked).toEqual({ list: 1, photograph: 1, onRequest: 0 }))
  await invalidatePaths(client, new Set(['volumes']))
  await lost.refetch()
  await rereadKind(client, 'volume')
  expect(asked).toEqual({ list: 3, photograph: 1, onRequest: 1 })
  client.clear()
})
