/** An entry of version documents, as keystoneauth, gophercloud and Tempest read them. */
export type VersionEntry = {
  /** For example "v3.14". */
  id: string
  status: 'CURRENT' | 'SUPPORTED' | 'stable'
  /** An ISO time such as "2020-04-07T00:00:00Z". */
  updated: string
  /** The URL of the version. It must equal the one in the entry's own document, because Tempest compares them. */
  selfUrl: string
  /** For example "application/vnd.openstack.identity-v3+json". */
  mediaType?: string
  /** The microversion range; "" when the service has no microversions but must list the keys. */
  version?: string
  minVersion?: string
}

/** One entry of `versions` (or the `version` itself), with its keys in the order of OpenStack's services. */
export function versionDocument(entry: VersionEntry): Record<string, unknown> {
  return {
    id: entry.id,
    status: entry.status,
    ...(entry.version === undefined ? {} : { version: entry.version, min_version: entry.minVersion ?? '' }),
    updated: entry.updated,
    links: [{ rel: 'self', href: entry.selfUrl }],
    ...(entry.mediaType === undefined
      ? {}
      : { 'media-types': [{ base: 'application/json', type: entry.mediaType }] }),
  }
}

/** A time with microseconds and Z, the form that Tempest parses first: "2026-11-21T03:24:05.000000Z". */
export const isoMicros = (date: Date): string => date.toISOString().replace('Z', '000Z')
