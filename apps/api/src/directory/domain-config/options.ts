import { CloudError } from '../../kernel/errors.ts'
import { type LdapSettings, ldapDefaults } from '../backends/ldap/config.ts'

/** The options that a domain's configuration may name. Source: the list of Keystone's domain configuration manager. */

export type Group = Record<string, unknown>
export type Config = Record<string, Group>

const options: Record<string, readonly string[]> = {
  identity: ['driver', 'list_limit'],
  ldap: [
    ...['url', 'user', 'password', 'suffix', 'query_scope', 'page_size', 'alias_dereferencing'],
    ...['debug_level', 'chase_referrals', 'user_tree_dn', 'user_filter', 'user_objectclass'],
    ...['user_id_attribute', 'user_name_attribute', 'user_mail_attribute', 'user_description_attribute'],
    ...['user_pass_attribute', 'user_enabled_attribute', 'user_enabled_invert', 'user_enabled_mask'],
    ...['user_enabled_default', 'user_attribute_ignore', 'user_default_project_id_attribute'],
    ...['user_enabled_emulation', 'user_enabled_emulation_dn', 'user_enabled_emulation_use_group_config'],
    ...['user_additional_attribute_mapping', 'group_tree_dn', 'group_filter', 'group_objectclass'],
    ...['group_id_attribute', 'group_name_attribute', 'group_members_are_ids', 'group_member_attribute'],
    ...['group_desc_attribute', 'group_attribute_ignore', 'group_additional_attribute_mapping'],
    ...['tls_cacertfile', 'tls_cacertdir', 'use_tls', 'tls_req_cert', 'use_pool', 'pool_size'],
    ...['pool_retry_max', 'pool_retry_delay', 'pool_connection_timeout', 'pool_connection_lifetime'],
    ...['use_auth_pool', 'auth_pool_size', 'auth_pool_connection_lifetime'],
  ],
}
/** The longest list, whatever is configured. */
export const mostListed = 1000

/** An error in Keystone's words; 403. */
export const invalidConfig = (reason: string): CloudError =>
  new CloudError('forbidden', `Invalid domain specific configuration: ${reason}`)

/** Throws for a group or an option that no domain can have. */
export function demandKnown(group: string | undefined, option?: string): void {
  if (group === undefined) return
  const known = Object.hasOwn(options, group) ? options[group] : undefined
  if (!known)
    throw invalidConfig(`Group ${shown(group)} is not supported for domain specific configurations.`)
  if (option !== undefined && !known.includes(option))
    throw invalidConfig(
      `Option ${shown(option)} in group ${group} is not supported for domain specific configurations.`,
    )
}
const shown = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)

/**
 * Returns the options to store. Throws for every option that this cloud would not follow: directories are configured in
 * ldap.yaml, and the driver of a domain cannot be changed.
 */
export function optionsToKeep(wish: unknown, driver: string): Group {
  if (!isGroup(wish) || Object.keys(wish).length === 0) throw invalidConfig('No options specified.')
  let kept: Group = {}
  for (const [group, given] of Object.entries(wish)) {
    if (!isGroup(given) || Object.keys(given).length === 0)
      throw invalidConfig(
        `The value of group ${shown(group)} specified in the config should be a dictionary of options.`,
      )
    for (const option of Object.keys(given)) demandKnown(group, option)
    if (group === 'ldap') throw fromFile()
    kept = { ...kept, ...given }
  }
  if (kept.driver !== undefined && kept.driver !== driver)
    throw invalidConfig(
      `The driver of this domain is ${driver}. The operators of this cloud connect domains with directories in ldap.yaml.`,
    )
  if (kept.list_limit !== undefined && !isLimit(kept.list_limit))
    throw invalidConfig(`list_limit is a whole number from 1 to ${mostListed}.`)
  return kept
}

export const fromFile = () =>
  invalidConfig(
    'The directory of a domain is set in ldap.yaml by the operators of this cloud, and cannot be changed here.',
  )
const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isLimit = (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostListed

/** The options without any configuration; for a directory, those that ldap.yaml may leave out. */
export function defaultConfig(): Config {
  const { url: _url, user_tree_dn: _users, group_tree_dn: _groups, ...ldap } = ldapOptions(ldapDefaults())
  return { identity: { driver: 'sql', list_limit: mostListed }, ldap }
}

type Shown = Pick<LdapSettings, 'url' | 'starttls' | 'users' | 'groups'> & { bind?: { dn: string } | null }
/** A directory in Keystone's words, without its password. */
export const ldapOptions = ({ url, starttls, users, groups, bind }: Shown): Group => ({
  url,
  ...(bind ? { user: bind.dn } : {}),
  use_tls: starttls,
  user_tree_dn: users.base,
  user_filter: users.filter,
  user_id_attribute: users.id,
  user_name_attribute: users.name,
  user_mail_attribute: users.mail,
  ...(groups
    ? {
        group_tree_dn: groups.base,
        group_filter: groups.filter,
        group_id_attribute: groups.id,
        group_name_attribute: groups.name,
        group_member_attribute: groups.member,
      }
    : {}),
})
