import { Prisma } from '@stratolith/db'

/** Makes a SELECT of the name by which a guest calls itself; `id` is an SQL expression of type uuid. */
type Hostnames = (id: Prisma.Sql) => Prisma.Sql
let known: Hostnames | undefined
/**
 * Instances belong to the room compute, which registers here how their names are found: DHCP and DNS tell guests these
 * names.
 */
export function defineHostnames(hostnames: Hostnames): void {
  known = hostnames
}

export const hostnameOf: Hostnames = (id) => known?.(id) ?? Prisma.sql`SELECT NULL::text`
