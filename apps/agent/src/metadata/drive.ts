import { ec2Versions, type Tree, treeOf } from './ec2.ts'
import { networkData } from './network-data.ts'
import { filesOf, metaData, openstackVersions } from './openstack.ts'
import type { Subject } from './reply.ts'

type DriveFile = { path: string; content: Buffer }
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/**
 * The tree of a config drive as Nova lays it out: every version of both trees that the metadata
 * service has, and the password of the first start, which the service never tells. `today` is an ISO date.
 */
export function driveFiles(subject: Subject, today: string): DriveFile[] {
  const known = openstackVersions.filter((version) => version <= today)
  const userData = subject.spec.guest.userData
  const files: DriveFile[] = []
  for (const folder of [...known, 'latest']) {
    const version = folder === 'latest' ? (known.at(-1) ?? '') : folder
    for (const name of filesOf(version, subject))
      if (name !== 'password')
        files.push({ path: `openstack/${folder}/${name}`, content: contentOf(name, version, subject) })
  }
  for (const version of ec2Versions) {
    const metadata = treeOf(version, subject)['meta-data'] as Tree
    files.push({ path: `ec2/${version}/meta-data.json`, content: json(metadata) })
    if (userData !== null)
      files.push({ path: `ec2/${version}/user-data`, content: Buffer.from(userData, 'base64') })
  }
  return files
}

function contentOf(name: string, version: string, subject: Subject): Buffer {
  const { adminPass, userData } = subject.spec.guest
  switch (name) {
    case 'meta_data.json':
      return json({
        ...metaData(version, subject),
        ...(adminPass ? { admin_pass: adminPass } : {}),
        files: [],
      })
    case 'network_data.json':
      return json(networkData(subject.ports))
    case 'user_data':
      return Buffer.from(userData ?? '', 'base64')
    default:
      return json({}) // vendor data: this cloud adds none
  }
}
