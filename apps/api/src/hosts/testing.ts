import type { Deps } from '../kernel/context.ts'

/** A machine that does not answer any more and has nothing; its id. */
export async function addGoneHost(deps: Deps): Promise<string> {
  const id = crypto.randomUUID()
  const room = { vcpus: 1, memoryMib: 1, diskGib: 1 }
  await deps.root.host.create({
    data: { id, name: `gone-${id}`, endpoint: 'fake:gone', ...room, state: 'down' },
  })
  return id
}
