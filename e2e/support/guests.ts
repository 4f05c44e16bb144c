import { type Api, GiveUp, until } from './cloud.ts'

/** Launches instances of the tiny test image on the starter network of the caller's project; returns their ids once they run. */
export async function launchGuests(api: Api, name: string, count = 1): Promise<string[]> {
  const [image] = (await api.images.list.query({ search: 'Tiny test image' })).items
  const { id: networkId } = await api.networking.networks.starter.mutate({})
  const { instances } = await api.compute.instances.launch.mutate({
    ...{ name, count, imageId: image?.id ?? '', flavorId: '1', networkIds: [networkId] },
  })
  return Promise.all(
    instances.map(async ({ id }) => {
      await until('ACTIVE', 300_000, async () => {
        const { status, taskState, fault } = await api.compute.instances.get.query({ id })
        if (status === 'ERROR' && taskState === null) throw new GiveUp(`ERROR: ${fault?.message}`)
        return status === 'ACTIVE' && taskState === null
      })
      return id
    }),
  )
}
