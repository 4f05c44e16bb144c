import { kinds } from '../rooms.ts'

/** Router paths of the queries that an event of this kind of resource makes stale. */
export const liveKeys = (resourceKind: string): readonly string[] => kinds[resourceKind]?.live ?? []
/** `operation.begun` and `operation.updated` say the kind of what it works on; the operations themselves change too. */
export const operationKeys: readonly string[] = ['operations']
