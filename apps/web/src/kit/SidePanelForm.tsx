'use client'
import { Alert, Button, Group, Stack } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useWindowEvent } from '@mantine/hooks'
import { IconAlertTriangle, IconLock } from '@tabler/icons-react'
import { type ReactNode, useRef, useState } from 'react'
import { ReasonButton } from '../ui/ReasonButton.tsx'
import { AsCode } from './AsCode.tsx'
import { confirm } from './confirm.tsx'
import { cloudError } from './errors.ts'
import { FormBlock } from './form-block.ts'
import { all, type Right, useRight } from './rights.ts'
import { SidePanel } from './SidePanel.tsx'

/**
 * A small form at the side of a list. `onSubmit` throws the server's error, whose sentence is shown at its field or
 * above the buttons. The form closes after success, and asks before typed input is lost. Closing writes the address, so
 * work that must come after closing (such as opening another page) is a function to which `onSubmit` resolves. `needs`:
 * the right that the work needs. A field may know why the form cannot succeed (useFormBlock). An address may open the form for somebody without this right, who is told so at once,
 * and so is somebody who loses the right while they type.
 */
export function SidePanelForm<T extends Record<string, unknown>>({
  title,
  needs,
  opened,
  onClose,
  form,
  onSubmit,
  submitLabel,
  danger = false,
  asCli,
  children,
}: {
  title: string
  needs: Right
  opened: boolean
  onClose: () => void
  form: UseFormReturnType<T>
  onSubmit: (values: T) => Promise<unknown>
  submitLabel: string
  /** The work destroys something. */
  danger?: boolean
  asCli?: (values: T) => string
  children: ReactNode
}) {
  const body = useRef<HTMLFormElement>(null)
  const { right, allowed, setBlock } = useAllowed(needs)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<{ message: string; requestId: string } | null>(null)
  useWindowEvent('beforeunload', (event) => {
    if (opened && form.isDirty() && !busy) event.preventDefault()
  })
  const finish = () => {
    setFailure(null)
    form.reset()
    onClose()
  }
  const close = async () => {
    if (busy) return
    if (form.isDirty()) {
      const yes = await confirm({
        title: 'Discard what you have typed?',
        body: 'The form has changes that are not saved.',
        confirmLabel: 'Discard',
        danger: true,
      })
      if (!yes) return
    }
    finish()
  }
  const submit = async (values: T) => {
    // Enter submits a form whose button is disabled.
    if (allowed !== true) return
    setBusy(true)
    setFailure(null)
    try {
      const then = await onSubmit(values)
      finish()
      if (typeof then === 'function') then()
    } catch (error) {
      const view = cloudError(error)
      const onField = view.field !== null && form.getInputNode(view.field) !== null
      if (onField && view.field) form.setFieldError(view.field, view.message)
      else setFailure(view)
    } finally {
      setBusy(false)
    }
  }
  return (
    <SidePanel
      opened={opened}
      onClose={() => void close()}
      title={title}
      onShown={() =>
        body.current?.querySelector<HTMLElement>('input:not([type=hidden]):not(:disabled), textarea')?.focus()
      }
    >
      <form ref={body} onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack gap="md">
          {right !== true && <Denied why={right} />}
          <FormBlock value={setBlock}>{children}</FormBlock>
          {failure && (
            <Alert
              color="bad"
              variant="light"
              icon={<IconAlertTriangle />}
              title={failure.message}
              role="alert"
            >
              {failure.requestId && `Request ${failure.requestId}`}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => void close()} disabled={busy}>
              Cancel
            </Button>
            <ReasonButton type="submit" color={danger ? 'bad' : undefined} loading={busy} allowed={allowed}>
              {submitLabel}
            </ReasonButton>
          </Group>
          {asCli && <AsCode cli={asCli(form.getValues())} />}
        </Stack>
      </form>
    </SidePanel>
  )
}

/** Whether the form can succeed: the person may, and no field knows a reason against it. */
function useAllowed(needs: Right) {
  const right = useRight(needs)
  const [block, setBlock] = useState<string | null>(null)
  return { right, allowed: all(right, block ?? true), setBlock }
}

const Denied = ({ why }: { why: string }) => (
  <Alert color="warn" variant="light" icon={<IconLock />} title="You may not do this" role="alert">
    {why}
  </Alert>
)
