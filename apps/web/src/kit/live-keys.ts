import { kinds } from '../rooms.ts'

/** Returns the router paths of the queries that an event of this kind of resource makes stale. */
export const liveKeys = (resourceKind: string): readonly string[] => kinds[resourceKind]?.live ?? []
/**
 * The events `operation.begun` and `operation.updated` name the kind of the resource; the operations themselves change,
 * too.
 */
export const operationKeys: readonly string[] = ['operations']
