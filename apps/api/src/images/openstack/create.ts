import { z } from 'zod'
import { projectIdInput } from '../../kernel/contract.ts'
import { HttpError } from '../../openstack/errors.ts'
import type { NewImage } from '../contract.ts'
import { refuseOurs } from '../property-names.ts'
import { boundExtras, changeOf, customProperty, isSettable, settable } from './attributes.ts'

const idInput = z.uuid('id must be a UUID.').transform((id) => id.toLowerCase())

/** Translates the body of POST /v2/images to an image of the cloud. */
export function newImageOf(body: unknown): NewImage {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HttpError(400, 'The body must be a JSON object: the image.')
  const known: Record<string, unknown> = {}
  const properties: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id' || name === 'owner') continue
    if (isSettable(name)) known[name] = value
    else {
      refuseOurs(name)
      properties[name] = customProperty(name, value)
    }
  }
  const set = settable.parse(known)
  boundExtras(properties, set.tags ?? [])
  return {
    name: '',
    description: '',
    diskFormat: null,
    containerFormat: null,
    // The default of Glance since 2.5: the image is private until its owner names a member.
    visibility: 'shared',
    minDiskGib: 0,
    minRamMib: 0,
    protected: false,
    ...changeOf(set),
    properties,
    ...('id' in body ? { id: idInput.parse(body.id) } : {}),
    ...('owner' in body ? { projectId: projectIdInput.parse(body.owner) } : {}),
  }
}
