import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { authorize, type PolicyTable } from '../../kernel/policy.ts'
import { directoryOf } from '../backends/ldap/domains.ts'
import { getDomain } from '../projects/domains.ts'
import { directoryEvent, lockDomain } from '../reach.ts'
import {
  type Config,
  defaultConfig,
  demandKnown,
  fromFile,
  type Group,
  invalidConfig,
  ldapOptions,
  mostListed,
  optionsToKeep,
} from './options.ts'

/**
 * Options of one domain (docs/decisions/0020-domain-configuration.md). Stored are the options that the cloud follows; a
 * domain of ldap.yaml also shows the settings of its directory.
 */

export const domainConfigRules: PolicyTable = {
  'identity:get_domain_config': 'admin or role:reader and scope:system',
  'identity:change_domain_config': 'admin',
}
const change = 'identity:change_domain_config'
export type ConfigRef = { domainId: string; group?: string; option?: string }

/** The options in force. Throws not_found when there are none, forbidden for options that no domain can have. */
export async function getDomainConfig(ctx: Ctx, at: ConfigRef): Promise<Group> {
  authorize(ctx, 'identity:get_domain_config')
  await getDomain(ctx, { id: at.domainId })
  return partOf(await current(ctx, at.domainId), at)
}

/** Replaces the whole configuration. `created` says that there was none before. */
export async function putDomainConfig(
  ctx: Ctx,
  domainId: string,
  wish: unknown,
): Promise<{ config: Config; created: boolean }> {
  authorize(ctx, change)
  return changing(ctx, domainId, async (tx) => {
    const options = optionsToKeep(wish, driverOf(domainId))
    const created = Object.keys(await current(tx, domainId)).length === 0
    await keep(tx, domainId, options)
    return { config: await current(tx, domainId), created }
  })
}

/**
 * Changes some options and leaves the others. `wish` is a configuration; for a group, a configuration with that group
 * alone; for an option, an object with that option alone.
 */
export async function patchDomainConfig(ctx: Ctx, at: ConfigRef, wish: unknown): Promise<Config> {
  authorize(ctx, change)
  const { domainId, group, option } = at
  return changing(ctx, domainId, async (tx) => {
    demandKnown(group, option)
    const config = group !== undefined && option !== undefined ? { [group]: wish } : wish
    const given = optionsToKeep(config, driverOf(domainId))
    if (group !== undefined) {
      demandOnly(config, group, `group ${group}`)
      if (option !== undefined) demandOnly(wish, option, `option ${option} in group ${group}`)
      partOf(await current(tx, domainId), at)
    }
    await keep(tx, domainId, { ...(await keptOf(tx, domainId)), ...given })
    return current(tx, domainId)
  })
}

/** Deletes stored options. Settings of ldap.yaml stay, and naming them is an error (403). */
export async function deleteDomainConfig(ctx: Ctx, at: ConfigRef): Promise<void> {
  authorize(ctx, change)
  const { domainId, group, option } = at
  await changing(ctx, domainId, async (tx) => {
    demandKnown(group, option)
    if (group === 'ldap') throw fromFile()
    if (group !== undefined) partOf(await current(tx, domainId), at)
    const { [option ?? '']: _gone, ...rest } = await keptOf(tx, domainId)
    await keep(tx, domainId, option === undefined ? {} : rest)
  })
}

/** The options of a domain without a configuration. */
export function getDefaultConfig(ctx: Ctx, { group, option }: Omit<ConfigRef, 'domainId'>): Group {
  authorize(ctx, 'identity:get_domain_config')
  demandKnown(group, option)
  const all = defaultConfig()
  if (group === undefined) return all
  const own = all[group] ?? {}
  if (option === undefined) return { [group]: own }
  if (!Object.hasOwn(own, option))
    throw invalidConfig(`Reading the default for option ${option} in group ${group} is not supported.`)
  return { [option]: own[option] }
}

/**
 * How many users or groups a list of the domain has at most. Without a domain, the limit of the domain that the
 * caller's session is for, if there is one.
 */
export async function listLimitOf(ctx: Ctx, domainId: string | undefined): Promise<number> {
  const id = domainId ?? (ctx.scope.kind === 'domain' ? ctx.scope.domainId : undefined)
  const limit = id === undefined ? undefined : (await keptOf(ctx, id)).list_limit
  return typeof limit === 'number' ? limit : mostListed
}

const driverOf = (domainId: string) => (directoryOf(domainId) ? 'ldap' : 'sql')

async function keptOf(ctx: Ctx, domainId: string): Promise<Group> {
  const row = await ctx.db.domainConfig.findUnique({ where: { domainId } })
  return (row?.options ?? {}) as Group
}

async function current(ctx: Ctx, domainId: string): Promise<Config> {
  const kept = await keptOf(ctx, domainId)
  const directory = directoryOf(domainId)
  if (directory) return { identity: { ...kept, driver: 'ldap' }, ldap: ldapOptions(directory.settings) }
  return Object.keys(kept).length === 0 ? {} : { identity: kept }
}

async function keep(ctx: Ctx, domainId: string, options: Group): Promise<void> {
  await ctx.db.domainConfig.deleteMany({ where: { domainId } })
  if (Object.keys(options).length > 0)
    await ctx.db.domainConfig.create({
      data: { domainId, options: options as Record<string, string | number> },
    })
  await directoryEvent(ctx, 'domain', 'updated', domainId)
}

async function changing<T>(ctx: Ctx, domainId: string, work: (tx: Ctx) => Promise<T>): Promise<T> {
  await getDomain(ctx, { id: domainId })
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    return work(tx)
  })
}

function partOf(config: Config, { domainId, group, option }: ConfigRef): Group {
  demandKnown(group, option)
  if (group === undefined) {
    if (Object.keys(config).length === 0) throw missing('any options', domainId)
    return config
  }
  const own = config[group]
  if (own === undefined) throw missing(`group ${group}`, domainId)
  if (option === undefined) return { [group]: own }
  if (!Object.hasOwn(own, option)) throw missing(`option ${option} in group ${group}`, domainId)
  return { [option]: own[option] }
}

function demandOnly(given: unknown, key: string, what: string): void {
  const keys = Object.keys(given as object)
  if (keys.length !== 1 || keys[0] !== key)
    throw invalidConfig(`Trying to update ${what}, so that, and only that, must be specified in the config.`)
}

const missing = (what: string, domainId: string) =>
  new CloudError('not_found', `Could not find ${what} in domain configuration for domain ${domainId}.`)
