import { Prisma } from '@stratolith/db'

/** A SELECT of the name that a guest calls itself by; `id` is an expression of type uuid. */
type Hostnames = (id: Prisma.Sql) => Prisma.Sql
let known: Hostnames | undefined
/** Guests are another room's (compute), which says here how they are called: DHCP and DNS tell of it. */
export function defineHostnames(hostnames: Hostnames): void {
  known = hostnames
}

export const hostnameOf: Hostnames = (id) => known?.(id) ?? Prisma.sql`SELECT NULL::text`
