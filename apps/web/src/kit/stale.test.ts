import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, test, vi } from 'vitest'
import { invalidatePaths, rereadKind } from './stale.ts'

test('an action on an instance waits for the queries of instances, and not for those of networks', async () => {
  const client = new QueryClient()
  const asked = { own: 0, network: 0, image: 0 }
  const follow = async (key: keyof typeof asked, path: string[], again: Promise<void>) => {
    const queryFn = async () => {
      asked[key] += 1
      if (asked[key] > 1) await again
      return asked[key]
    }
    const observer = new QueryObserver(client, { queryKey: [path], queryFn })
    observer.subscribe(vi.fn())
    await vi.waitFor(() => expect(observer.getCurrentResult().data).toBe(1))
  }
  const never = new Promise<void>(() => undefined)
  await follow('own', ['compute', 'instances', 'get'], Promise.resolve())
  await follow('network', ['networking', 'networks', 'list'], never)
  await follow('image', ['images', 'list'], never)
  await rereadKind(client, 'instance')
  expect(asked).toEqual({ own: 2, network: 2, image: 1 })
  client.clear()
})

test('an event during the very first read of a query is not lost', async () => {
  const client = new QueryClient()
  const answers: ((state: string) => void)[] = []
  const queryFn = () => new Promise<string>((resolve) => void answers.push(resolve))
  const observer = new QueryObserver(client, { queryKey: [['volumes', 'groups', 'get']], queryFn })
  observer.subscribe(vi.fn())
  const done = invalidatePaths(client, new Set(['volumes']))
  answers[0]?.('creating')
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  expect(observer.getCurrentResult().data).toBe('creating')
  answers[1]?.('available')
  await done
  expect(observer.getCurrentResult().data).toBe('available')
  client.clear()
})
