/** Version documents, as keystoneauth, gophercloud and Tempest read them. */
export type VersionEntry = {
  /** "v3.14" */
  id: string
  status: 'CURRENT' | 'SUPPORTED' | 'stable'
  /** ISO time, e.g. "2020-04-07T00:00:00Z" */
  updated: string
  /** Must be what the same entry's own document says: Tempest compares. */
  selfUrl: string
  /** "application/vnd.openstack.identity-v3+json" */
  mediaType?: string
  /** Microversion range; "" when the service has none but must list the keys. */
  version?: string
  minVersion?: string
}

/** One entry of `versions` (or the `version` itself) with its keys in the services' order. */
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

/** Microseconds and Z, the form that Tempest parses first: "2026-11-21T03:24:05.000000Z". */
export const isoMicros = (date: Date): string => date.toISOString().replace('Z', '000Z')
