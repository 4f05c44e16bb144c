'use client'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useDebouncedValue, useWindowEvent } from '@mantine/hooks'
import type { LaunchPlan } from '@stratolith/api/compute/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError, formErrors } from '../../kit/errors.ts'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { randomToken } from '../../kit/random.ts'
import { leftBecause } from '../../kit/session-end.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { keepChoice, keepDraft, takeDraft } from './draft.ts'
import type { LaunchOptions } from './use-launch-options.ts'
import { type LaunchValues, launchInputOf, launchProblems, planInputOf } from './values.ts'

export type LaunchBegin = {
  initialValues: LaunchValues
  /** The person and project whose draft and choice are kept. */
  owner: { userId: string; projectId: string | null }
  /** True: a draft may decide the form's first values. */
  mayDraft: boolean
}
export type LaunchFormApi = UseFormReturnType<LaunchValues>
const typingPauseMs = 250

/**
 * Only administrators, and people with an instance on the host, get an event when a host answers again; so others ask
 * at this interval.
 */
const closedLookMs = 5_000

/**
 * Returns the plan for the form's values, asked for a moment after the last key. `fresh` is false while the answer
 * belongs to older values. `starter`: the launch makes the network first, so its absence is no problem.
 */
export function usePlan(values: LaunchValues, starter: boolean) {
  const trpc = useTRPC()
  const input = JSON.stringify(planInputOf(values))
  const [asked] = useDebouncedValue(input, typingPauseMs)
  const query = useQuery(
    trpc.compute.instances.plan.queryOptions(JSON.parse(asked), {
      placeholderData: keepPreviousData,
      refetchInterval: ({ state }) => (state.data?.closed ? closedLookMs : false),
    }),
  )
  const plan = query.data && starter ? withStarter(query.data) : (query.data ?? null)
  return { plan, fresh: asked === input && !query.isPlaceholderData && !query.isFetching, error: query.error }
}

/** Returns the plan as it will be when the starter network exists. */
function withStarter(plan: LaunchPlan): LaunchPlan {
  const problems = plan.problems.filter(({ field }) => field !== 'networkIds')
  return { ...plan, problems, ok: problems.length === 0 }
}

/** The form, its submit, and the server's answer. A repeated submit launches only once (clientToken). */
export function useLaunchForm(options: LaunchOptions, { initialValues, owner, mayDraft }: LaunchBegin) {
  const trpc = useTRPC()
  const router = useRouter()
  const [clientToken] = useState(randomToken)
  const [draft] = useState(() => (mayDraft ? takeDraft(sessionStorage, owner, options) : null))
  const form: LaunchFormApi = useForm<LaunchValues>({
    initialValues: draft ?? initialValues,
    validate: launchProblems,
  })
  const starterNetwork = useMutation(trpc.networking.networks.starter.mutationOptions())
  const launch = useMutation(trpc.compute.instances.launch.mutationOptions())
  // The session may end while somebody types, and the sign-in page leads back here.
  useWindowEvent('pagehide', () => {
    // A sign-out leaves nothing behind, and a launched form is no draft.
    const over = leftBecause() === 'signed-out' || launch.isSuccess
    if (!over && (form.isDirty() || draft)) keepDraft(sessionStorage, owner, form.getValues())
  })
  const starter =
    options.networks.length === 0 && options.externalNetwork !== null && form.values.networkIds.length === 0

  const choose = (network: NetworkView) => form.setFieldValue('networkIds', [network.id])
  async function submit(values: LaunchValues): Promise<void> {
    try {
      let { networkIds } = values
      if (starter) {
        const network = await starterNetwork.mutateAsync({})
        choose(network)
        networkIds = [network.id]
      }
      const { instances } = await launch.mutateAsync(launchInputOf({ ...values, networkIds }, clientToken))
      const [first] = instances
      keepChoice(localStorage, owner, values)
      notify.started(
        instances.length === 1 ? `Launching ${first?.name}` : `Launching ${instances.length} instances`,
        instances.map(({ id }) => id),
      )
      router.push(instances.length === 1 && first ? paths.instance(first.id) : paths.instances)
    } catch (error) {
      form.setErrors(formErrors(error))
      focusFirstError()
    }
  }
  const failed = launch.error ?? starterNetwork.error
  return {
    form,
    starter,
    choose,
    onSubmit: form.onSubmit(submit, focusFirstError),
    /** Stays true after success, because the page is being left. */
    busy: starterNetwork.isPending || launch.isPending || launch.isSuccess,
    /** An error that no field can show. */
    failure: failed ? cloudError(failed) : null,
  }
}

function focusFirstError(): void {
  requestAnimationFrame(() => {
    const field = document.querySelector<HTMLElement>(
      '#launch-form [aria-invalid="true"], #launch-form [role="alert"]',
    )
    field?.focus({ preventScroll: true })
    field?.scrollIntoView({ block: 'center', behavior: 'smooth' })
  })
}
