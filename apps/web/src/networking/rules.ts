import type { SecurityRuleView } from '@stratolith/api/networking/contract'

type Shape = Pick<SecurityRuleView, 'direction' | 'ethertype' | 'protocol' | 'portMin' | 'portMax'>
type Remote = Pick<SecurityRuleView, 'ethertype' | 'remoteCidr' | 'remoteGroup'>

/** Returns "TCP", "ICMP", "Any" or "Protocol 47". */
export function protocolText(protocol: string | null): string {
  if (protocol === null || protocol === 'any') return 'Any'
  return /^\d+$/.test(protocol) ? `Protocol ${protocol}` : protocol.toUpperCase()
}

const known: Record<number, string> = {
  22: 'SSH',
  25: 'SMTP',
  53: 'DNS',
  80: 'HTTP',
  443: 'HTTPS',
  3306: 'MySQL',
  3389: 'RDP',
  5432: 'PostgreSQL',
  6379: 'Redis',
  27017: 'MongoDB',
}

/** Returns "22 (SSH)", "8000–8080" or "all"; for ICMP "type 8, code 0". */
export function portsText(rule: Shape): string {
  const { portMin, portMax } = rule
  if (rule.protocol === 'icmp') {
    if (portMin === null) return 'all'
    return portMax === null ? `type ${portMin}` : `type ${portMin}, code ${portMax}`
  }
  if (portMin === null) return 'all'
  if (portMax !== null && portMax !== portMin) return `${portMin}–${portMax}`
  const name = known[portMin]
  return name ? `${portMin} (${name})` : String(portMin)
}

/** Names the other end exactly as it is enforced; a group is never shown as a range. */
export function remoteText(rule: Remote): string {
  if (rule.remoteGroup) return `Members of “${rule.remoteGroup.name}”`
  return rule.remoteCidr ?? (rule.ethertype === 'IPv6' ? 'Anywhere (::/0)' : 'Anywhere (0.0.0.0/0)')
}

/** Returns one line that says what the rule does. */
export function ruleSentence(rule: Shape & Remote): string {
  const what =
    rule.protocol === null
      ? `all ${rule.ethertype} traffic`
      : `${protocolText(rule.protocol)} ${portsText(rule) === 'all' ? '' : portsText(rule)}`.trim()
  return rule.direction === 'ingress'
    ? `Lets ${what} in from ${lower(remoteText(rule))}.`
    : `Lets ${what} out to ${lower(remoteText(rule))}.`
}
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** Returns the rule in two or three words for a list: "SSH", "HTTP from 10.0.0.0/8", "all from “web”". */
export function opensText(rule: Shape & Remote): string {
  const one = rule.portMin !== null && (rule.portMax === null || rule.portMax === rule.portMin)
  const name = one && rule.protocol !== 'icmp' && rule.portMin !== null ? known[rule.portMin] : undefined
  const what =
    name ??
    (rule.protocol === null
      ? 'all'
      : rule.protocol === 'icmp'
        ? 'ping'
        : `${protocolText(rule.protocol)} ${portsText(rule)}`)
  if (rule.remoteGroup) return `${what} from “${rule.remoteGroup.name}”`
  return isWorld(rule.remoteCidr) ? `${what} from anywhere` : `${what} from ${rule.remoteCidr}`
}

/** Ports that are attacked all day long when the world can reach them, with advice. */
const sensitive = [
  { port: 22, name: 'SSH', advice: 'allow only your own address, or use key pairs only' },
  { port: 23, name: 'Telnet', advice: 'use SSH' },
  { port: 445, name: 'SMB', advice: 'allow only your own network' },
  { port: 1433, name: 'SQL Server', advice: 'allow only the group of the application' },
  { port: 2375, name: 'the Docker API', advice: 'allow nobody: it gives root to everyone' },
  { port: 3306, name: 'MySQL', advice: 'allow only the group of the application' },
  { port: 3389, name: 'RDP', advice: 'allow only your own address' },
  { port: 5432, name: 'PostgreSQL', advice: 'allow only the group of the application' },
  { port: 5900, name: 'VNC', advice: 'use the console of the portal' },
  { port: 6379, name: 'Redis', advice: 'allow only the group of the application' },
  { port: 9200, name: 'Elasticsearch', advice: 'allow only the group of the application' },
  { port: 11211, name: 'memcached', advice: 'allow only the group of the application' },
  { port: 27017, name: 'MongoDB', advice: 'allow only the group of the application' },
]

/** Answers whether the text means "everybody": it is empty, or a prefix of length 0. */
export const isWorld = (remoteCidr: string | null | undefined): boolean =>
  !remoteCidr?.trim() || /\/0+$/.test(remoteCidr.trim())

/** Returns a warning for a rule that opens a sensitive port to everybody; null: there is nothing to warn of. */
export function ruleWarning(rule: {
  direction: 'ingress' | 'egress'
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteCidr: string | null
  remoteGroup: unknown
}): string | null {
  if (rule.direction !== 'ingress' || rule.remoteGroup || !isWorld(rule.remoteCidr)) return null
  if (rule.protocol === null || rule.protocol === 'any')
    return 'This opens every port to the whole internet. Open only the ports that you need.'
  if (rule.protocol !== 'tcp' && rule.protocol !== 'udp') return null
  if (rule.portMin === null)
    return `This opens every ${rule.protocol.toUpperCase()} port to the whole internet.`
  const low = rule.portMin
  const high = rule.portMax ?? low
  const hit = sensitive.filter(({ port }) => port >= low && port <= high)
  if (hit.length === 0) return null
  const [one] = hit
  if (hit.length === 1 && one)
    return `Everybody on the internet can try ${one.name} then. Better: ${one.advice}.`
  return `This range has ${hit.map(({ name, port }) => `${name} (${port})`).join(', ')} in it, open to the whole internet.`
}

/** Reads "22", "8000-8080" or "" as first and last port; returns a sentence when it cannot. */
export function parsePorts(text: string): { portMin: number | null; portMax: number | null } | string {
  const trimmed = text.trim()
  if (trimmed === '') return { portMin: null, portMax: null }
  const match = /^(\d{1,5})(?:\s*[-–:]\s*(\d{1,5}))?$/.exec(trimmed)
  if (!match) return 'Write one port (22) or a range (8000-8080); empty means all.'
  const portMin = Number(match[1])
  const portMax = match[2] === undefined ? portMin : Number(match[2])
  if (portMin < 1 || portMax > 65_535) return 'A port is between 1 and 65535.'
  if (portMin > portMax) return 'The first port is above the last one.'
  return { portMin, portMax }
}

/**
 * Returns null for a range, for a single address, and for empty text, which means everywhere; else the sentence why the
 * text is none of these.
 */
export function remoteProblem(text: string, ethertype: 'IPv4' | 'IPv6'): string | null {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (!/^[0-9a-fA-F:.]+(\/\d{1,3})?$/.test(trimmed)) return 'Write a range as 203.0.113.0/24, or one address.'
  const family = trimmed.includes(':') ? 'IPv6' : 'IPv4'
  return family === ethertype ? null : `This is ${family}, but the rule is for ${ethertype}.`
}
