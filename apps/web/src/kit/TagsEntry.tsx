'use client'
import { TagsInput } from '@mantine/core'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cloudError } from './errors.ts'
import { rereadKind } from './stale.ts'

/** The field of `TagsField` itself. */
export function TagsEntry({
  kind,
  tags,
  allowed,
  save,
}: {
  /** The `resourceKind` of the tagged thing: its queries are read again after a change. */
  kind: string
  tags: string[]
  allowed: Allowed
  save: (tags: string[]) => Promise<unknown>
}) {
  const client = useQueryClient()
  const [pending, setPending] = useState<string[] | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const change = async (next: string[]) => {
    setPending(next)
    setProblem(null)
    try {
      await save(next)
      await rereadKind(client, kind)
    } catch (error) {
      setProblem(cloudError(error).message)
    } finally {
      setPending(null)
    }
  }
  return (
    <TagsInput
      aria-label="Tags"
      placeholder={allowed === true ? 'Type a tag and press Enter' : undefined}
      description={allowed === true ? 'Words to find it by. No comma, no slash.' : allowed}
      value={pending ?? tags}
      disabled={allowed !== true}
      splitChars={[]}
      error={problem}
      onChange={(next) => void change(next)}
    />
  )
}
