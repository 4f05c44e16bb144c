import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Loads a package when the returned function is called for the first time. For packages that some processes never use
 * (the worker makes no key pair, and few clouds have an LDAP directory or rules of their own): each of them
 * takes ten megabytes in every process that loads it. `T` is the type of the package: `typeof import('yaml')`.
 */
export function onDemand<T>(name: string): () => T {
  let loaded: T | undefined
  return () => {
    loaded ??= require(name) as T
    return loaded
  }
}
