import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { root } from '../../tools/cloud/paths.ts'

const run = promisify(execFile)

const place = path.join(root, 'node_modules/.cache/stratolith-ansible')
const suite = 'trixie'
/** The folders to unpack from each package; their names differ between versions, hence the stars. */
const wanted: Record<string, string[]> = {
  ansible: ['ansible_collections/openstack/*'],
  'python3-openstacksdk': ['openstack/*', 'openstacksdk-*'],
}

/**
 * The folder with the collection openstack.cloud and the SDK that it needs, for ANSIBLE_COLLECTIONS_PATH and
 * PYTHONPATH. Both come from Debian 13 and are unpacked beside the packages of this machine, because the versions of
 * Debian 12 do not fit together (its collection, 1.10, refuses the SDK from 0.99 on, and its SDK is 0.101). To install
 * the package ansible would take minutes and 260 MB; unpacking takes seconds, and the folder is kept for the next run.
 */
export async function ansibleModules(): Promise<string> {
  const kept = path.join(place, suite)
  if (fs.existsSync(kept)) return kept
  fs.rmSync(place, { recursive: true, force: true })
  const work = path.join(place, 'unpacking')
  await download(work)
  for (const [name, parts] of Object.entries(wanted)) {
    const file = fs.readdirSync(work).find((f) => f.startsWith(`${name}_`) && f.endsWith('.deb'))
    if (!file) throw new Error(`apt-get has downloaded no ${name} of Debian’s ${suite}.`)
    const unpacked = path.join(work, 'tree')
    fs.mkdirSync(unpacked, { recursive: true })
    const patterns = parts.map((part) => `'./usr/lib/python3/dist-packages/${part}'`).join(' ')
    await run('bash', [
      '-o',
      'pipefail',
      '-c',
      `dpkg-deb --fsys-tarfile "$0" | tar -x -C "$1" --strip-components=5 --wildcards ${patterns}`,
      path.join(work, file),
      unpacked,
    ])
  }
  fs.renameSync(path.join(work, 'tree'), kept)
  fs.rmSync(work, { recursive: true })
  return kept
}

/** Downloads the packages from the mirror of this machine, without a change to apt's lists. */
async function download(work: string): Promise<void> {
  const [lists, sources, cache] = ['lists', 'sources', 'cache'].map((name) => path.join(work, name)) as [
    string,
    string,
    string,
  ]
  for (const dir of [path.join(lists, 'partial'), sources, path.join(cache, 'archives/partial')])
    fs.mkdirSync(dir, { recursive: true })
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Release: bookworm'])
  const mirror = targets.stdout.split('\n').find((line) => line !== '')
  if (!mirror) throw new Error('This machine’s apt knows no mirror of Debian 12 (bookworm).')
  fs.writeFileSync(
    path.join(sources, `${suite}.sources`),
    `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
  )
  const options = [
    'APT::Sandbox::User=root',
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${sources}`,
    `Dir::State::Lists=${lists}`,
    'Dir::State::Status=/dev/null',
    `Dir::Cache=${cache}`,
  ].flatMap((option) => ['-o', option])
  await run('apt-get', [...options, 'update', '-q'])
  await run('apt-get', [...options, 'download', '-q', ...Object.keys(wanted)], { cwd: work })
}
