import type { GroupPolicy } from '@stratolith/api/compute/contract'

/** The meaning of each policy, in the order of the form. */
export const policyWords: Record<GroupPolicy, { label: string; description: string }> = {
  'anti-affinity': {
    label: 'Apart',
    description: 'Each on a host of its own. A launch that would break this is refused.',
  },
  'soft-anti-affinity': {
    label: 'Apart if possible',
    description: 'Spread over the hosts as far as there is room.',
  },
  affinity: {
    label: 'Together',
    description: 'All on one host. A launch that would break this is refused.',
  },
  'soft-affinity': {
    label: 'Together if possible',
    description: 'On as few hosts as there is room on.',
  },
}

/** Returns “Apart, at most 2 a host”. */
export const policyText = ({
  policy,
  maxPerHost,
}: {
  policy: GroupPolicy
  maxPerHost: number | null
}): string =>
  maxPerHost === null || maxPerHost === 1
    ? policyWords[policy].label
    : `${policyWords[policy].label}, at most ${maxPerHost} a host`
