/** Kinds of documents, in an order in which each kind comes after the kinds that it needs. */
export const documentKinds = ['network', 'addressSet', 'router', 'port', 'instance'] as const
