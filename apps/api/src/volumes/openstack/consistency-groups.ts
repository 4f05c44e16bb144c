import { listScope } from '../../kernel/context.ts'
import { authorize } from '../../kernel/policy.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { ApiOperation, Call } from '../../openstack/operation.ts'
import { wantsAll } from './list-query.ts'
import { unknownId } from './refusals.ts'

/**
 * Consistency groups, which Cinder itself has replaced by groups (3.13). There are none here, and none can be made: lists
 * are empty, and the sentences lead to groups.
 */
const read =
  (answer: (call: Call) => object): ApiOperation['handle'] =>
  (call) => {
    authorize(call.ctx, 'volumeGroup:list', listScope(call.ctx, { allProjects: wantsAll(call) }))
    return answer(call)
  }
const neverFound = (parameter: string) =>
  read(({ params }) => {
    throw new HttpError(404, unknownId(params[parameter] ?? '', parameter))
  })
const refuse = read(() => {
  throw new HttpError(
    400,
    'This cloud has groups, and no consistency groups: use groups and group snapshots, which came with 3.13.',
  )
})

const deviation = 'There are none: Cinder’s groups have replaced them.'
function operationsOf(
  noun: 'consistencygroups' | 'cgsnapshots',
  parameter: 'consistencygroup_id' | 'cgsnapshot_id',
  words: string,
  changes: readonly Pick<ApiOperation, 'name' | 'method' | 'path' | 'summary'>[],
): ApiOperation[] {
  const item = `/${noun}/:${parameter}`
  const gone = { status: 404, access: 'list', deviation, handle: neverFound(parameter) } as const
  return [
    ...['', '/detail'].map(
      (path): ApiOperation => ({
        name: path === '' ? `${noun}.list` : `${noun}.detail`,
        method: 'GET',
        path: `/${noun}${path}`,
        summary: `List ${words}${path === '' ? '' : ' with details'}`,
        ...{ status: 200, access: 'list', deviation },
        handle: read(() => ({ [noun]: [] })),
      }),
    ),
    {
      name: `${noun}.create`,
      method: 'POST',
      path: `/${noun}`,
      summary: `Make one of the ${words} (refused)`,
      ...{ status: 400, access: 'list', deviation },
      handle: refuse,
    },
    { ...gone, name: `${noun}.get`, method: 'GET', path: item, summary: `Show one of the ${words}` },
    ...changes.map((one): ApiOperation => ({ ...gone, ...one, path: item + one.path })),
  ]
}

export const consistencyGroupOperations: ApiOperation[] = [
  {
    name: 'consistencygroups.create_from_src',
    method: 'POST',
    path: '/consistencygroups/create_from_src',
    summary: 'Make a consistency group of another one (refused)',
    ...{ status: 400, access: 'list', deviation },
    handle: refuse,
  },
  ...operationsOf('consistencygroups', 'consistencygroup_id', 'consistency groups', [
    {
      ...{ name: 'consistencygroups.update', method: 'PUT', path: '/update' },
      summary: 'Change one of the consistency groups',
    },
    {
      ...{ name: 'consistencygroups.delete', method: 'POST', path: '/delete' },
      summary: 'Delete one of the consistency groups',
    },
  ]),
  ...operationsOf('cgsnapshots', 'cgsnapshot_id', 'snapshots of consistency groups', [
    {
      ...{ name: 'cgsnapshots.delete', method: 'DELETE', path: '' },
      summary: 'Delete one of the snapshots of consistency groups',
    },
  ]),
]
