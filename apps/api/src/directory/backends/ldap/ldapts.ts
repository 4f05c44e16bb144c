import { onDemand } from '../../../kernel/on-demand.ts'

/** The LDAP client, for clouds that have a directory. */
export const ldapts = onDemand<typeof import('ldapts')>('ldapts')
