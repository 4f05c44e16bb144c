import { z } from 'zod'
import { idOf } from '../../openstack/keystone.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import {
  type ConfigRef,
  deleteDomainConfig,
  getDefaultConfig,
  getDomainConfig,
  patchDomainConfig,
  putDomainConfig,
} from './service.ts'

/** Source: Keystone api-ref v3, "Domain configuration". */

const body = z.object({ config: z.unknown() })
const ofDomain = '/domains/:id/config'
const places = ['', '/:group', '/:group/:option'] as const
const about = { '': 'all of it', '/:group': 'a group', '/:group/:option': 'an option' } as const
const word = { '': '', '/:group': '.group', '/:group/:option': '.option' } as const
const names = ['group', 'option']
const deviation =
  'identity.list_limit takes effect (lists of the domain’s users and groups), identity.driver cannot be changed, and the settings of a directory (ldap) are shown here but set in ldap.yaml alone (403).'

const at = ({ params }: Call): ConfigRef => ({
  domainId: idOf(params),
  ...(params.group === undefined ? {} : { group: params.group }),
  ...(params.option === undefined ? {} : { option: params.option }),
})

export const domainConfigOperations: ApiOperation[] = [
  ...places.map(
    (place): ApiOperation => ({
      name: `domain_config${word[place]}.default`,
      method: 'GET',
      path: `/domains/config${place}/default`,
      names,
      summary: `What holds where a domain has no configuration: ${about[place]}`,
      status: 200,
      access: 'adminRead',
      handle: (call) => ({ config: getDefaultConfig(call.ctx, at(call)) }),
    }),
  ),
  {
    name: 'domain_config.put',
    method: 'PUT',
    path: ofDomain,
    summary: 'Set the configuration of a domain; 200 when there was one',
    status: 201,
    access: 'admin',
    deviation,
    handle: async (call) => {
      const wish = body.parse(call.body).config
      const { config, created } = await putDomainConfig(call.ctx, idOf(call.params), wish)
      if (!created) call.reply.status(200)
      return { config }
    },
  },
  ...places.flatMap((place): ApiOperation[] => [
    {
      name: `domain_config${word[place]}.get`,
      method: 'GET',
      path: `${ofDomain}${place}`,
      names,
      summary: `Show the configuration of a domain: ${about[place]}`,
      status: 200,
      access: 'adminRead',
      handle: async (call) => ({ config: await getDomainConfig(call.ctx, at(call)) }),
    },
    {
      name: `domain_config${word[place]}.update`,
      method: 'PATCH',
      path: `${ofDomain}${place}`,
      names,
      summary: `Change the configuration of a domain: ${about[place]}`,
      status: 200,
      access: 'admin',
      deviation,
      handle: async (call) => ({
        config: await patchDomainConfig(call.ctx, at(call), body.parse(call.body).config),
      }),
    },
    {
      name: `domain_config${word[place]}.delete`,
      method: 'DELETE',
      path: `${ofDomain}${place}`,
      names,
      summary: `Delete the configuration of a domain: ${about[place]}`,
      status: 204,
      access: 'admin',
      handle: async (call) => {
        await deleteDomainConfig(call.ctx, at(call))
      },
    },
  ]),
]
