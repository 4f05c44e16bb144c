'use client'
import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import type { Enrolment, SecondFactorView } from '@stratolith/api/identity/multi-factor/contract'
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Ago } from '../kit/Ago.tsx'
import { cloudError } from '../kit/errors.ts'
import { Loaded } from '../kit/Loaded.tsx'
import { notify } from '../kit/notify.ts'
import { StateBadge } from '../kit/StateBadge.tsx'
import { useTRPC } from '../kit/trpc.ts'
import { CopyText } from '../ui/CopyText.tsx'
import { Section } from '../ui/Section.tsx'
import { QrCode } from './QrCode.tsx'
import { RecoveryCodesOnce, RenewRecoveryCodes } from './RecoveryCodes.tsx'

/** Manages the second factor: a code of an authenticator app beside the password. */
export function SecondFactorPanel() {
  const trpc = useTRPC()
  const query = useQuery(trpc.identity.secondFactor.get.queryOptions())
  const [codes, setCodes] = useState<string[] | null>(null)
  const changed = useFactorChanged()
  const made = (recoveryCodes: string[]) => {
    setCodes(recoveryCodes)
    changed()
  }
  return (
    <Stack gap="md">
      {codes && <RecoveryCodesOnce codes={codes} onDone={() => setCodes(null)} />}
      <Section
        title="Second factor"
        description="With it, somebody who has only learnt your password stays outside."
      >
        <Loaded query={query}>
          {(view: SecondFactorView) =>
            view.enabled ? <TurnOff view={view} onDone={() => setCodes(null)} /> : <TurnOn onCodes={made} />
          }
        </Loaded>
      </Section>
      {query.data?.enabled && (
        <Section title="Recovery codes">
          <RenewRecoveryCodes left={query.data.recoveryCodesLeft} onMade={made} />
        </Section>
      )}
    </Stack>
  )
}

function useFactorChanged() {
  const client = useQueryClient()
  const trpc = useTRPC()
  return () => void client.invalidateQueries({ queryKey: trpc.identity.pathKey() })
}

function TurnOn({ onCodes }: { onCodes: (codes: string[]) => void }) {
  const trpc = useTRPC()
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null)
  const begin = useMutation(trpc.identity.secondFactor.begin.mutationOptions({ onSuccess: setEnrolment }))
  if (enrolment) return <Confirm enrolment={enrolment} onAgain={() => setEnrolment(null)} onCodes={onCodes} />
  return (
    <Stack gap="sm" align="flex-start">
      <Text size="sm">
        Any authenticator app does: it shows six digits that change every half minute, and you type them when
        you sign in.
      </Text>
      {begin.error && <Failure error={begin.error} />}
      <Button
        leftSection={<IconShieldCheck size={16} />}
        loading={begin.isPending}
        onClick={() => begin.mutate()}
      >
        Set up codes
      </Button>
    </Stack>
  )
}

function Confirm({
  enrolment,
  onAgain,
  onCodes,
}: {
  enrolment: Enrolment
  onAgain: () => void
  onCodes: (codes: string[]) => void
}) {
  const trpc = useTRPC()
  const [code, setCode] = useState('')
  const confirm = useMutation(
    trpc.identity.secondFactor.confirm.mutationOptions({
      onSuccess({ recoveryCodes }) {
        onCodes(recoveryCodes)
        notify.done('From now on you sign in with a code')
      },
    }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.mutate({ enrolment: enrolment.enrolment, code })
  }
  const failure = confirm.error ? cloudError(confirm.error) : null
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" maw={440}>
        <Text size="sm">1. Take a picture of this with your authenticator app.</Text>
        <QrCode text={enrolment.uri} label="QR code for the authenticator app" />
        <div>
          <Text size="sm" c="dimmed" mb={4}>
            Or type this into it:
          </Text>
          <CopyText value={enrolment.secret} />
        </div>
        <TextInput
          label="2. Type the code that it shows"
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={8}
          placeholder="123456"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          error={failure?.message}
        />
        <Text size="sm" c="dimmed">
          Other sessions of yours end: they had no code. Nothing is kept before a code of the app has come.
        </Text>
        <Group gap="xs">
          <Button type="submit" loading={confirm.isPending}>
            Turn codes on
          </Button>
          <Button variant="default" onClick={onAgain}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function TurnOff({ view, onDone }: { view: SecondFactorView; onDone: () => void }) {
  const trpc = useTRPC()
  const changed = useFactorChanged()
  const [password, setPassword] = useState('')
  const disable = useMutation(
    trpc.identity.secondFactor.disable.mutationOptions({
      onSuccess() {
        changed()
        onDone()
        notify.done('The password alone is enough again')
      },
    }),
  )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        disable.mutate({ password })
      }}
    >
      <Stack gap="md" maw={420}>
        <Group gap="xs">
          <StateBadge state="On" tone="good" />
          {view.since && (
            <Text size="sm" c="dimmed" component="div">
              since <Ago iso={view.since} />
            </Text>
          )}
        </Group>
        <PasswordInput
          label="Your password"
          description="To turn codes off, or to set them up with another app afterwards."
          autoComplete="current-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={disable.error ? cloudError(disable.error).message : null}
        />
        <Group>
          <Button
            type="submit"
            color="bad"
            variant="light"
            disabled={password === ''}
            loading={disable.isPending}
          >
            Turn codes off
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Failure({ error }: { error: unknown }) {
  return (
    <Alert
      color="bad"
      variant="light"
      role="alert"
      icon={<IconAlertTriangle />}
      title={cloudError(error).message}
    />
  )
}
