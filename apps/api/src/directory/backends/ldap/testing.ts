import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attribute, Change, Client } from 'ldapts'

/** A real slapd of Debian for tests, with its own configuration, database and port on loopback, in the foreground. */

export const suffix = 'dc=example,dc=org'
export const rootDn = `cn=root,${suffix}`
export const rootPassword = 'canary-ldap-root'
export type Slapd = Awaited<ReturnType<typeof startSlapd>>

export async function startSlapd() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stratolith-slapd-'))
  const port = await freePort()
  const url = `ldap://127.0.0.1:${port}`
  const secureUrl = `ldaps://127.0.0.1:${await freePort()}`
  fs.mkdirSync(path.join(dir, 'db'))
  // The tests run a copy, because Debian's AppArmor profile lets /usr/sbin/slapd use the system's own folders only.
  const program = path.join(dir, 'slapd')
  fs.copyFileSync('/usr/sbin/slapd', program)
  makeCertificate(dir)
  fs.writeFileSync(path.join(dir, 'slapd.conf'), configuration(dir))
  const run = () =>
    spawn(program, ['-h', `${url} ${secureUrl}`, '-f', path.join(dir, 'slapd.conf'), '-d', '0'], {
      stdio: 'ignore',
    })
  let child = run()
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await answering(port)
  await as(url, (client) => tree(client))
  return {
    url,
    secureUrl,
    /** The PEM file of the authority that signed the certificate. */
    ca: path.join(dir, 'ca.pem'),
    stop,
    signal: (name: NodeJS.Signals) => child.kill(name),
    async start() {
      child = run()
      await answering(port)
    },
    async remove() {
      await stop()
      fs.rmSync(dir, { recursive: true, force: true })
    },
    change: (work: (client: Client) => Promise<unknown>) => as(url, work),
  }
}

const configuration = (dir: string) => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${dir}/pid
TLSCACertificateFile ${dir}/ca.pem
TLSCertificateFile ${dir}/server.pem
TLSCertificateKeyFile ${dir}/server.key
# As careless servers are: a bind without a password succeeds, as nobody.
allow bind_anon_cred bind_anon_dn
database mdb
maxsize 67108864
suffix "${suffix}"
rootdn "${rootDn}"
rootpw ${rootPassword}
directory ${dir}/db
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`

function makeCertificate(dir: string): void {
  const at = (name: string) => path.join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-x509', '-days', '2']
  openssl('req', ...key, '-subj', '/CN=test authority', '-keyout', at('ca.key'), '-out', at('ca.pem'))
  openssl(
    ...['req', ...key, '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-keyout', at('server.key'), '-out', at('server.pem')],
  )
}

async function as(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ url, timeout: 10_000 })
  try {
    await client.bind(rootDn, rootPassword)
    await work(client)
  } finally {
    await client.unbind()
  }
}

async function tree(client: Client): Promise<void> {
  await client.add(suffix, { objectClass: ['dcObject', 'organization'], dc: 'example', o: 'Example' })
  for (const ou of ['people', 'groups'])
    await client.add(`ou=${ou},${suffix}`, { objectClass: 'organizationalUnit', ou })
}

export const dnOf = (uid: string) => `uid=${uid},ou=people,${suffix}`
export const addPerson = (client: Client, uid: string, userPassword: string) =>
  client.add(dnOf(uid), {
    ...{ objectClass: 'inetOrgPerson', cn: uid, sn: uid, uid, userPassword },
    mail: `${uid}@example.org`,
  })
export const addGroup = (client: Client, cn: string, members: string[]) =>
  client.add(`cn=${cn},ou=groups,${suffix}`, { objectClass: 'groupOfNames', cn, member: members.map(dnOf) })
export const replace = (client: Client, dn: string, type: string, values: string[]) =>
  client.modify(dn, new Change({ operation: 'replace', modification: new Attribute({ type, values }) }))

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = net.connect(port, '127.0.0.1')
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (up) return
    await sleep(50)
  }
  throw new Error('slapd does not start')
}
