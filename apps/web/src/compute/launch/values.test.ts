import { launchInput, planInput } from '@stratolith/api/compute/contract'
import { describe, expect, it } from 'vitest'
import { launchCli } from './cli.ts'
import { sizeProblem } from './use-launch-options.ts'
import {
  emptyLaunch,
  hostnameText,
  type LaunchValues,
  launchInputOf,
  launchNames,
  launchProblems,
  loginPlan,
  maxUserDataBytes,
  planInputOf,
  toBase64,
} from './values.ts'

const imageId = '7b0f5d9e-62d8-4a4e-9a39-2b6f6f0c8a11'
const networkId = '0d6c1b6e-7f1d-4b58-8a53-54c0ff8bd7cd'
const filled: LaunchValues = {
  ...emptyLaunch,
  name: ' web ',
  imageId,
  flavorId: '1',
  networkIds: [networkId],
}

describe('the host name', () => {
  it.each([
    ['', 'Also its host name.'],
    ['web', 'Also its host name.'],
    ['Web Größe_1!', 'Its host name will be “web-gro-e-1”.'],
  ])('of an instance named %j is shown before the launch', (name, text) => {
    expect(hostnameText(name)).toBe(text)
  })
  it('is made of the ID when no letter is left', () => {
    expect(hostnameText('数据库')).toMatch(/“instance-” and the beginning of its id/)
  })
})

describe('the values of the launch form', () => {
  it('can be planned at every moment of typing', () => {
    expect(() => planInput.parse(planInputOf(emptyLaunch))).not.toThrow()
    expect(() => planInput.parse(planInputOf({ ...filled, count: '' }))).not.toThrow()
    expect(planInputOf({ ...filled, count: 500 }).count, 'what cannot be is marked at its field').toBe(1)
    expect(launchProblems({ ...filled, count: 1.5 }).count).toBe('A whole number from 1 to 50.')
    expect(planInputOf({ ...filled, userData: 'x'.repeat(60_000) })).not.toHaveProperty('userData')
  })

  it('become an input that the contract takes, with user data as UTF-8 in base64', () => {
    const input = launchInput.parse(
      launchInputOf(
        {
          ...filled,
          count: '3',
          keyName: 'laptop',
          userData: '#!/bin/sh\necho grüß\n',
          metadata: [
            { id: 'a', key: ' role ', value: 'front' },
            { id: 'b', key: ' ', value: 'lost' },
          ],
        },
        'token',
      ),
    )
    expect(input).toMatchObject({ name: 'web', count: 3, keyName: 'laptop', metadata: { role: 'front' } })
    expect(Buffer.from(input.userData ?? '', 'base64').toString()).toBe('#!/bin/sh\necho grüß\n')
    expect(input.clientToken).toBe('token')
  })

  it('name the placement, and the address on the one network', () => {
    const group = '3a2f1c52-7e6a-4a1e-9a66-4b1b7c2d9e10'
    const placed = { ...filled, serverGroupId: group, zone: 'nova', hostName: 'a', address: ' 10.0.0.7 ' }
    const place = { serverGroupId: group, zone: 'nova', hostName: 'a' }
    const nics = [{ networkId, address: '10.0.0.7' }]
    expect(planInput.parse(planInputOf(placed))).toMatchObject({ ...place, nics })
    expect(launchInput.parse(launchInputOf(placed, 't'))).toMatchObject({ ...place, nics })
    for (const many of [{ count: 2 }, { networkIds: [networkId, networkId] }])
      expect(planInputOf({ ...placed, ...many })).not.toHaveProperty('nics')
    expect(launchProblems({ ...placed, address: '10.0.0' }).address).toBe('Write it as 10.0.0.7.')
    expect(launchProblems({ ...placed, count: 2, address: 'of no use now' }).address).toBeUndefined()
  })

  it('send the administrator’s password only with a config drive, and never to the plan', () => {
    const secret = { ...filled, adminPass: 's3cret', tags: ['web'] }
    expect(launchInputOf(secret, 't')).not.toHaveProperty('adminPass')
    const driven = launchInput.parse(launchInputOf({ ...secret, configDrive: true }, 't'))
    expect(driven).toMatchObject({ configDrive: true, adminPass: 's3cret', tags: ['web'] })
    expect(JSON.stringify(planInputOf({ ...secret, configDrive: true }))).not.toContain('s3cret')
  })

  it('take the largest user data, and each wrong value is named', () => {
    expect(launchProblems(filled)).toEqual({})
    const largest = 'ü'.repeat(maxUserDataBytes / 2)
    expect(launchProblems({ ...filled, userData: largest })).toEqual({})
    expect(Buffer.from(toBase64(largest), 'base64').toString()).toBe(largest)
    expect(Object.keys(launchProblems({ ...filled, userData: `${largest}x` }))).toEqual(['userData'])
    expect(Object.keys(launchProblems({ ...emptyLaunch, count: 0 }))).toEqual([
      'name',
      'count',
      'imageId',
      'flavorId',
    ])
    const twice = ['a', 'b'].map((id) => ({ id, key: 'same', value: id }))
    expect(launchProblems({ ...filled, metadata: twice })).toHaveProperty('metadata')
  })

  it('name instances as the cloud does', () => {
    expect(launchNames('web', 1)).toEqual(['web'])
    expect(launchNames('web', 3)).toEqual(['web-1', 'web-2', 'web-3'])
    expect(launchNames('n{n}.web', 2)).toEqual(['n1.web', 'n2.web'])
  })
})

describe('the launch as a command', () => {
  const names = {
    image: 'Ubuntu 24.04',
    flavor: 'm1.small',
    networks: ['net'],
    securityGroups: [],
    externalNetwork: 'public',
    presetGroups: [],
    starter: false,
  }
  const opens = (protocol: string, portMin: number | null) => ({
    ...{ direction: 'ingress' as const, protocol, portMin },
    ...{ remoteCidr: null, remoteGroup: null },
  })

  it('makes the group of the presets and its rules only where they do not exist yet', () => {
    const cli = (...presetGroups: { id: string; rules: ReturnType<typeof opens>[] }[]) =>
      launchCli({ ...filled, openPresets: ['ssh', 'ping'] }, { ...names, presetGroups }).replaceAll(
        ' \\\n  ',
        ' ',
      )
    expect(cli()).toContain('security group create open-ssh-ping\n')
    const known = { id: 'one', rules: [opens('tcp', 22), opens('icmp', null)] }
    expect(cli(known)).not.toMatch(/group (rule )?create/)
    expect(cli(known)).toContain('--security-group open-ssh-ping')
    const partly = cli({ id: 'one', rules: [opens('tcp', 22)] })
    expect(partly.match(/group rule create/g)).toHaveLength(1)
    expect(partly).toContain('rule create --protocol icmp open-ssh-ping')
    expect(cli(known, { id: 'two', rules: [] }), 'two of that name').toContain('--security-group one')
  })

  it('quotes names and keeps the default group when ports are opened', () => {
    const cli = launchCli({ ...filled, name: "it's; rm -rf ~", openPresets: ['ssh'] }, names).replaceAll(
      ' \\\n  ',
      ' ',
    )
    expect(cli).toContain('rule create --protocol tcp --dst-port 22 open-ssh')
    expect(cli).toContain("--image 'Ubuntu 24.04' --flavor m1.small --network net")
    expect(cli).toContain('--security-group default --security-group open-ssh')
    expect(cli).toContain(`'it'\\''s; rm -rf ~'`)
  })

  it('asks for the version of the API that has the wished options', () => {
    const words = (over: Partial<LaunchValues>) =>
      launchCli({ ...filled, openPresets: [], ...over }, names).replaceAll(' \\\n  ', ' ')
    expect(words({})).toMatch(/^openstack server create/)
    expect(words({ tags: ['a', 'b'] })).toMatch(
      /^openstack --os-compute-api-version 2\.52 .* --tag a --tag b /,
    )
    expect(words({ hostName: 'h1', zone: 'nova' })).toMatch(
      /^openstack --os-compute-api-version 2\.74 .* --availability-zone nova --host h1 /,
    )
    const rest = words({ serverGroupId: 'g1', address: '10.0.0.7', configDrive: true, adminPass: 's3cret' })
    expect(rest).toContain('--hint group=g1 --use-config-drive --password PASSWORD')
    expect(rest).toContain(`--nic net-id=${networkId},v4-fixed-ip=10.0.0.7`)
    expect(rest).not.toContain('s3cret')
  })

  it('gives every instance its own public address', () => {
    const cli = launchCli({ ...filled, count: 2, publicIp: true, openPresets: [] }, names)
    expect(cli.match(/server add floating ip web-[12] "\$\(openstack floating ip create/g)).toHaveLength(2)
    expect(cli).not.toContain('--security-group')
  })

  it('makes the starter network first', () => {
    const lines = launchCli(filled, { ...names, networks: ['starter-net'], starter: true }).split('\n')
    expect(lines[0]).toBe('openstack network create starter-net')
  })
})

it('the summary promises no SSH from outside where no host has a link', () => {
  const values = { keyName: 'laptop', openPresets: ['ssh'], publicIp: true } satisfies Partial<LaunchValues>
  expect(loginPlan(values, null)).toMatch(/^SSH with the key “laptop” to the public IP/)
  expect(loginPlan({ ...values, publicIp: false }, null)).toMatch(/needs a public IP/)
  expect(loginPlan(values, 'This cloud is closed.')).toMatch(/does not get there: use a console/)
})

describe('the problem of a size', () => {
  const closed = 'No host answers now.'
  const problem = (field: string | null, message: string) => ({ field, message })

  it('is not a problem that every size has, which is said once', () => {
    expect(sizeProblem({ closed, problems: [problem(null, closed)] })).toBeUndefined()
    const small = problem('flavorId', 'The image needs 2 GiB of disk.')
    expect(sizeProblem({ closed, problems: [small, problem(null, closed)] })).toBe(small)
  })

  it('is its own capacity or the quota that it needs, and not another field', () => {
    const quota = problem(null, 'The quota has 1 vCPU left.')
    expect(sizeProblem({ closed: null, problems: [problem('name', 'too long'), quota] })).toBe(quota)
    expect(sizeProblem(undefined)).toBeUndefined()
  })
})
