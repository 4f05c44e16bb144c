'use client'
import { TagsInput, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ProjectDetail } from '@stratolith/api/directory/projects/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '../../kit/navigation.tsx'
import { notify } from '../../kit/notify.ts'
import { paths } from '../../kit/paths.ts'
import { SidePanelForm } from '../../kit/SidePanelForm.tsx'
import { useSession } from '../../kit/session.ts'
import { shellLine } from '../../kit/shell.ts'
import { invalidateKind } from '../../kit/stale.ts'
import { useTRPC } from '../../kit/trpc.ts'
import { DomainPick, ProjectPick } from '../pickers.tsx'

type Props = { project?: ProjectDetail; parent?: ProjectDetail; opened: boolean; onClose: () => void }

/** Creates a project (below `parent`), or changes `project`. */
export function ProjectForm({ project, parent, opened, onClose }: Props) {
  const trpc = useTRPC()
  const client = useQueryClient()
  const router = useRouter()
  const { domain, userDomain, isAdmin } = useSession()
  const home = parent ? { id: parent.domainId, name: parent.domainName } : (domain ?? userDomain)
  const create = useMutation(trpc.directory.projects.create.mutationOptions())
  const update = useMutation(trpc.directory.projects.update.mutationOptions())
  const form = useForm({
    initialValues: {
      name: project?.name ?? '',
      description: project?.description ?? '',
      tags: project?.tags ?? [],
      domainId: home.id as string | null,
      parentId: parent?.id ?? (null as string | null),
    },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  const { domainId } = form.values
  return (
    <SidePanelForm
      needs={{ domainId: project?.domainId ?? parent?.domainId ?? null }}
      title={project ? `Edit ${project.name}` : 'Create project'}
      opened={opened}
      onClose={onClose}
      form={form}
      submitLabel={project ? 'Save' : 'Create'}
      asCli={(values) => projectCli(values, project)}
      onSubmit={async ({ name, description, tags, domainId, parentId }) => {
        if (project) {
          await update.mutateAsync({ id: project.id, name, description, tags })
          invalidateKind(client, 'project')
          return notify.done(`Saved ${name}`)
        }
        const made = await create.mutateAsync({
          name,
          description,
          tags,
          domainId: domainId ?? undefined,
          parentId: parentId ?? undefined,
        })
        invalidateKind(client, 'project')
        notify.done(`Created ${made.name}. Now give somebody a role in it.`)
        return () => router.push(paths.project(made.id, 'members'))
      }}
    >
      <TextInput label="Name" required maxLength={64} {...form.getInputProps('name')} />
      <Textarea
        label="Description"
        autosize
        minRows={2}
        maxLength={1000}
        {...form.getInputProps('description')}
      />
      {!project && isAdmin && (
        <DomainPick
          chosen={home}
          allowDeselect={false}
          disabled={parent !== undefined}
          {...form.getInputProps('domainId')}
          onChange={(value) => form.setValues({ domainId: value, parentId: null })}
        />
      )}
      {!project && (
        <ProjectPick
          key={domainId}
          label="Below"
          description="Empty: directly below the domain. Roles given “for the projects below” reach it from there."
          clearable
          domainId={domainId ?? undefined}
          chosen={parent}
          {...form.getInputProps('parentId')}
        />
      )}
      <TagsInput
        label="Tags"
        description="Press Enter after each."
        maxTags={80}
        {...form.getInputProps('tags')}
      />
    </SidePanelForm>
  )
}

type Values = {
  name: string
  description: string
  tags: string[]
  domainId: string | null
  parentId: string | null
}
const projectCli = (values: Values, project: ProjectDetail | undefined): string =>
  shellLine(
    'openstack',
    'project',
    project ? 'set' : 'create',
    ...(project
      ? values.name === project.name
        ? []
        : ['--name', values.name]
      : ['--domain', values.domainId ?? 'default']),
    ...(values.parentId ? ['--parent', values.parentId] : []),
    ...(values.description || project ? ['--description', values.description] : []),
    ...values.tags.flatMap((tag) => ['--tag', tag]),
    project ? project.id : values.name.trim() || 'NAME',
  )
