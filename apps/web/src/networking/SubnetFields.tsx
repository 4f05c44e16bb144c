'use client'
import { Checkbox, Group, Input, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { addressProblem, cidrHint, cidrProblem, cidrWarning, dnsProblem, poolProblem } from './cidr.ts'
import type { SubnetValues } from './cli.ts'

/** `cidr` null: the person has typed nothing, so the suggested range holds. */
export type SubnetFormValues = Omit<SubnetValues, 'cidr'> & { cidr: string | null }
export const subnetInitial: SubnetFormValues = {
  cidr: null,
  gateway: '',
  noGateway: false,
  dhcp: true,
  dns: [],
  pool: { start: '', end: '' },
}

/** Returns the values to send, with the suggested range where the person has typed none. */
export const subnetValues = (values: SubnetFormValues, suggestion: string): SubnetValues => ({
  ...values,
  cidr: (values.cidr ?? suggestion).trim(),
  gateway: values.gateway.trim(),
  pool: { start: values.pool.start.trim(), end: values.pool.end.trim() },
})

/** Returns the server's input: a gateway of undefined is the first address, and null is none. */
export const subnetInput = ({ cidr, gateway, noGateway, dhcp, dns, pool }: SubnetValues) => ({
  cidr,
  gatewayIp: noGateway ? null : gateway || undefined,
  dhcp,
  dns,
  pool: pool.start && pool.end ? pool : undefined,
})

/** Returns sentences by field; empty when the values can be sent. `siblings` are the ranges of the same network. */
export function subnetProblems(
  values: SubnetFormValues,
  suggestion: string,
  siblings: readonly string[] = [],
): Record<string, string> {
  const { cidr, gateway, noGateway, dns, pool } = subnetValues(values, suggestion)
  const found = {
    cidr: cidrProblem(cidr, siblings),
    gateway: noGateway ? null : addressProblem(cidr, gateway),
    dns: dnsProblem(dns),
    pool: poolProblem(cidr, pool),
  }
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/** The fields for range, gateway, DHCP and name servers, which are checked while the person types. */
export function SubnetFields({
  values,
  set,
  errors,
  suggestion,
  siblings = [],
  others = [],
}: {
  values: SubnetFormValues
  set: (patch: Partial<SubnetFormValues>) => void
  errors: Record<string, ReactNode>
  suggestion: string
  siblings?: readonly string[]
  others?: readonly string[]
}) {
  const cidr = values.cidr ?? suggestion
  const live = values.cidr === null ? {} : subnetProblems(values, suggestion, siblings)
  const warning = cidrWarning(cidr, others)
  const hint = cidrHint(cidr, values.noGateway ? null : values.gateway)
  return (
    <Stack gap="sm">
      <TextInput
        label="Range (CIDR)"
        required
        data-path="cidr"
        data-autofocus
        placeholder="10.0.0.0/24"
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        value={cidr}
        onChange={(event) => set({ cidr: event.currentTarget.value })}
        error={live.cidr ?? errors.cidr}
        description={hint ?? 'Like 10.0.0.0/24'}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
      />
      {warning && (
        <Text size="xs" c="dimmed" role="status">
          {warning}
        </Text>
      )}
      <GatewayFields values={values} set={set} error={live.gateway ?? errors.gateway ?? errors.gatewayIp} />
      <ServiceFields values={values} set={set} error={live.dns ?? errors.dns} />
      <PoolFields values={values} set={set} error={live.pool ?? errors.pool} />
    </Stack>
  )
}

type Part<Values> = { values: Values; set: (patch: Partial<Values>) => void; error: ReactNode }

/** The fields for DHCP and for the name servers that DHCP tells guests. */
export function ServiceFields({ values, set, error }: Part<Pick<SubnetFormValues, 'dhcp' | 'dns'>>) {
  return (
    <>
      <Switch
        label="DHCP"
        description="Instances get their address by themselves."
        checked={values.dhcp}
        onChange={(event) => set({ dhcp: event.currentTarget.checked })}
      />
      <TagsInput
        label="Name servers"
        description="Instances learn them by DHCP; without one, names do not resolve. Enter adds one."
        data-path="dns"
        placeholder={values.dns.length === 0 ? '9.9.9.9' : undefined}
        value={values.dns}
        onChange={(dns) => set({ dns: dns.map((server) => server.trim()) })}
        error={values.dns.length > 0 ? dnsProblem(values.dns) : error}
        maxTags={5}
        clearable
      />
    </>
  )
}

/** The fields for the range from which instances get addresses. `empty` says what empty fields mean. */
export function PoolFields({
  values,
  set,
  error,
  empty = 'Empty: all of them.',
}: Part<Pick<SubnetFormValues, 'pool'>> & { empty?: string }) {
  const { pool } = values
  return (
    <Input.Wrapper
      label="Given out"
      description={`Instances get addresses of this range; the others stay for you to choose. ${empty}`}
      error={error}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
      labelElement="div"
    >
      <Group gap="xs" wrap="nowrap">
        <TextInput
          flex={1}
          aria-label="First address given out"
          data-path="pool"
          placeholder="First address"
          autoComplete="off"
          spellCheck={false}
          value={pool.start}
          onChange={(event) => set({ pool: { ...pool, start: event.currentTarget.value } })}
        />
        <Text size="sm" c="dimmed">
          to
        </Text>
        <TextInput
          flex={1}
          aria-label="Last address given out"
          placeholder="Last address"
          autoComplete="off"
          spellCheck={false}
          value={pool.end}
          onChange={(event) => set({ pool: { ...pool, end: event.currentTarget.value } })}
        />
      </Group>
    </Input.Wrapper>
  )
}

export function GatewayFields({ values, set, error }: Part<Pick<SubnetFormValues, 'gateway' | 'noGateway'>>) {
  return (
    <Group gap="sm" align="flex-end" grow>
      <TextInput
        label="Gateway"
        data-path="gatewayIp"
        placeholder="First address"
        autoComplete="off"
        spellCheck={false}
        disabled={values.noGateway}
        value={values.noGateway ? '' : values.gateway}
        onChange={(event) => set({ gateway: event.currentTarget.value })}
        error={error}
      />
      <Checkbox
        pb={8}
        label="No gateway"
        checked={values.noGateway}
        onChange={(event) => set({ noGateway: event.currentTarget.checked })}
      />
    </Group>
  )
}
