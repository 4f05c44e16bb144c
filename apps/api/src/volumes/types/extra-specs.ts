import { invalidInput } from '../../kernel/errors.ts'

/**
 * The extra specs that this cloud carries out. Those of a promise that the cloud does not keep are refused, and all others
 * are kept without an effect, as notes of the administrator.
 */
export type Specs = Readonly<Record<string, string>>

/**
 * The pools and zones in which volumes of a type may lie; absent: in any. `encrypted`: those whose driver encrypts;
 * `multiattach`: those that give a volume to several instances.
 */
export type PlaceWish = {
  backend?: string
  pool?: string
  zones?: readonly string[]
  encrypted?: true
  multiattach?: true
}

const zonesKey = 'RESKEY:availability_zones'
/** Those that other callers than administrators see, as in Cinder: what they tell matters to the owner of a volume. */
const shown = ['multiattach', zonesKey, 'replication_enabled']
export const shownSpecs = (specs: Specs): Record<string, string> =>
  Object.fromEntries(Object.entries(specs).filter(([key]) => shown.includes(key)))

/** Where volumes of a type with these extra specs may lie. */
export function placeWishOfSpecs(specs: Specs): PlaceWish {
  const zones = (specs[zonesKey] ?? '').split(',').flatMap((zone) => zone.trim() || [])
  return {
    backend: specs.volume_backend_name || undefined,
    pool: specs.pool_name || undefined,
    zones: zones.length > 0 ? zones : undefined,
    multiattach: isMultiattach(specs) || undefined,
  }
}

/** Whether several instances may have a volume of such a type at the same time. */
export const isMultiattach = (specs: Specs): boolean =>
  isYes(specs.multiattach ?? specs['capabilities:multiattach'] ?? '')

/** Throws invalid_input for a volume of several instances that does not begin empty: guests cannot share layers. */
export function demandShareable(multiattach: boolean, origin: object | null): void {
  if (multiattach && origin)
    throw invalidInput(
      'Volumes of this type are for several instances at once, and begin empty. Choose another type, or no source.',
    )
}

type Rule = { allows(value: string): boolean; says: string }
const never = (says: string): Rule => ({ allows: (value) => isNo(value), says })
/** Cinder writes its booleans as "<is> True". */
const wordOf = (value: string) => value.replace(/^<is>\s*/i, '').toLowerCase()
const isNo = (value: string) => ['false', 'no', '0', ''].includes(wordOf(value))
const isYes = (value: string) => ['true', 'yes', '1'].includes(wordOf(value))

const rules: Record<string, Rule> = {
  multiattach: {
    // Cinder's and Nova's clients know no other words for it.
    allows: (value) => value === '<is> True' || value === '<is> False',
    says: 'Write multiattach as “<is> True” or “<is> False”.',
  },
  replication_enabled: never('This cloud does not replicate volumes yet: leave replication_enabled out.'),
  encryption: never(
    'The encryption of a type is no extra spec: switch it on for the type, and leave this out.',
  ),
  'provisioning:type': {
    allows: (value) => value === 'thin',
    says: 'A volume takes room in its pool as it is filled: provisioning:type is “thin”.',
  },
  thin_provisioning: { allows: isYes, says: 'All volumes are thin: thin_provisioning is “<is> True”.' },
  thin_provisioning_support: {
    allows: isYes,
    says: 'All volumes are thin: thin_provisioning_support is “<is> True”.',
  },
}
const capabilityOf = (key: string) => key.replace(/^capabilities:/, '')

/** Throws invalid_input for an extra spec that promises something that this cloud does not do. */
export function checkExtraSpecs(specs: Specs): void {
  for (const [key, value] of Object.entries(specs)) {
    const name = capabilityOf(key)
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule && !rule.allows(value)) throw invalidInput(rule.says, 'extraSpecs')
  }
}
