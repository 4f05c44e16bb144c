/**
 * The results of other projects' test suites on this cloud, for docs/openstack-compat.md. They were run by hand on
 * 29 November 2026 with Debian's packages. Faults of ours that they found are mended and have tests; these remain.
 */
const suites = [
  [
    'openstacksdk 0.101 (`openstack/tests/functional`: cloud, compute, identity, image, network)',
    169,
    63,
    44,
  ],
  ['gophercloud 0.12 (`acceptance`: compute, identity, image service, networking)', 117, 47, 10],
  ['Ansible’s openstack.cloud 2.4.1 with SDK 4.4 (`e2e/ansible`, by turn in `npm test`)', 40, 0, 0],
  ['fog-openstack 1.0.8 (a script of 73 steps; it has no suite of its own)', 71, 2, 0],
  ['libcloud 3.4 (a script of 55 steps; likewise)', 55, 0, 0],
] as const

const remains: [what: string, why: string][] = [
  [
    'Snapshots of servers (`createImage`), `rebuild`, `resize`, `rescue`, `suspend`, live migration',
    'There are none yet; the answer is 400 “There is no such action”.',
  ],
  [
    'Subnet pools, address scopes, network flavors and service profiles, auto-allocated topology',
    'Their extensions are not published; the tests do not ask before they try.',
  ],
  [
    'Routers: `enable_snat: false`, several gateway addresses, `distributed`, an external network without a subnet',
    'Every router of ours translates, from one address, on every host that needs it. Each is refused in words.',
  ],
  [
    'Subnets: `host_routes`, IP version 6; ports: `allowed_address_pairs`, `extra_dhcp_opts`, `binding:host_id`',
    'Guests get addresses of IPv4 and a gateway; a port sends from its own addresses unless its security is off, and is where its instance runs. Each is refused in words.',
  ],
  [
    'A floating IP for a port that no instance has yet; an instance on an external network',
    'Floating IPs are carried out on the host of an instance; external networks have floating IPs and gateways only.',
  ],
  [
    'Flavors with less than 32 MiB or without a disk; `personality` (files in a launch)',
    'No guest boots from so little; every root disk has a size that counts; images take user data instead of files. gophercloud puts a file into each server that it makes: its servers were tested without.',
  ],
  [
    'Passwords with fewer than 8 characters; roles of a domain on other domains',
    'Refused on purpose. Keystone looks at the domain of such a role only where it is given on projects.',
  ],
  [
    'Names in other case (`Default` as `default`, filters `name__contains`)',
    'The tests count on MySQL, which takes them for equal; `name__icontains` is there.',
  ],
  [
    'Networks and quotas of projects that do not exist',
    'Neutron asks nobody whether there is such a project; here it is 404.',
  ],
  [
    '`os-services` of nova-scheduler, agents by type “DHCP agent”, forced down while the host answers, a description of an agent, provider `ha`',
    'Here one agent does all of it, and a host that answers is not off (decision 18).',
  ],
  [
    'OAuth 1, extra attributes of groups and policies, projects that are domains (gophercloud)',
    'Built since, with tests of our own; the suite has not been run again.',
  ],
  [
    '`os-availability-zone/detail` and the usage of all projects as a member (fog)',
    'Administrators’ here as in Nova (403).',
  ],
  [
    'Tasks of images, import by web-download, `/v3/s3tokens`, extension os-admin-actions, Identity v2',
    'Not offered. (Tests that download a CirrOS, or ask Identity v2 for the project’s id, could not run.)',
  ],
]

export const clientSuites: string[] = [
  '## Clients’ own suites',
  '',
  'Run once by hand against a cloud of one machine. “Not run”: the suite itself skips it.',
  '',
  '| suite | passed | remain | not run |',
  '|---|---|---|---|',
  ...suites.map((row) => `| ${row.join(' | ')} |`),
  '',
  'What remains, and why:',
  '',
  ...remains.map(([what, why]) => `- **${what}**: ${why}`),
  '',
]
