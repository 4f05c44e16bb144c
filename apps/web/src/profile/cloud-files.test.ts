import { describe, expect, it } from 'vitest'
import { type CloudPlace, cloudsYaml, credentialYaml, openrc } from './cloud-files.ts'

const place: CloudPlace = {
  authUrl: 'http://cloud:8080/identity/v3',
  region: 'RegionOne',
  user: { name: "o'brien $(reboot)", domain: 'Default' },
  project: { name: 'demo', id: 'p1' },
  domain: null,
  system: false,
}

describe('openrc', () => {
  it('quotes names so that a shell runs none of them', () => {
    const text = openrc(place)
    expect(text).toContain("export OS_USERNAME='o'\\''brien $(reboot)'\n")
    expect(text).toContain('export OS_PROJECT_ID=p1\n')
    expect(text).not.toContain('OS_PASSWORD=')
  })
  it('names the domain or the system where there is no project', () => {
    expect(openrc({ ...place, project: null, domain: { name: 'Acme' } })).toContain('OS_DOMAIN_NAME=Acme')
    expect(openrc({ ...place, project: null, system: true })).toContain('OS_SYSTEM_SCOPE=all')
  })
})

describe('clouds.yaml', () => {
  it('has texts as JSON strings, which YAML can read', () => {
    expect(cloudsYaml(place)).toContain(`      username: "o'brien $(reboot)"\n`)
    expect(credentialYaml(place, { id: 'a', secret: 's' })).toContain('auth_type: "v3applicationcredential"')
  })
})
