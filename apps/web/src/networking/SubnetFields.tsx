'use client'
import { Checkbox, Group, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { cidrHint, cidrProblem, cidrWarning, dnsProblem, gatewayProblem } from './cidr.ts'
import type { SubnetValues } from './cli.ts'

/** `cidr` null: nothing was typed, so the suggestion holds. */
export type SubnetFormValues = Omit<SubnetValues, 'cidr'> & { cidr: string | null }
export const subnetInitial: SubnetFormValues = {
  cidr: null,
  gateway: '',
  noGateway: false,
  dhcp: true,
  dns: [],
}

/** What will be sent: the suggestion where nothing was typed. */
export const subnetValues = (values: SubnetFormValues, suggestion: string): SubnetValues => ({
  ...values,
  cidr: (values.cidr ?? suggestion).trim(),
  gateway: values.gateway.trim(),
})

/** For the server: undefined is the first address, null none. */
export const subnetInput = ({ cidr, gateway, noGateway, dhcp, dns }: SubnetValues) => ({
  cidr,
  gatewayIp: noGateway ? null : gateway || undefined,
  dhcp,
  dns,
})

/** Sentences by field; empty when it can be sent. `siblings` are ranges of the same network. */
export function subnetProblems(
  values: SubnetFormValues,
  suggestion: string,
  siblings: readonly string[] = [],
): Record<string, string> {
  const { cidr, gateway, noGateway, dns } = subnetValues(values, suggestion)
  const found = {
    cidr: cidrProblem(cidr, siblings),
    gateway: noGateway ? null : gatewayProblem(cidr, gateway),
    dns: dnsProblem(dns),
  }
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/** Range, gateway, DHCP and name servers, checked while one types. */
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
      <GatewayFields values={values} set={set} error={live.gateway ?? errors.gateway} />
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
        error={live.dns ?? (values.dns.length > 0 ? dnsProblem(values.dns) : errors.dns)}
        maxTags={5}
        clearable
      />
    </Stack>
  )
}

function GatewayFields({
  values,
  set,
  error,
}: {
  values: SubnetFormValues
  set: (patch: Partial<SubnetFormValues>) => void
  error: ReactNode
}) {
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
