import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { driverErrorCodes } from '../errors.ts'
import { generatedId, words } from '../fields.ts'
import { observedInstance } from '../hypervisor/observed.ts'
import { instanceSpec } from '../hypervisor/spec.ts'
import { observedPort } from '../network/observed.ts'
import { addressSetSpec, networkSpec, portSpec, routerSpec } from '../network/spec.ts'
import { baseSpec, diskSpec } from '../storage/spec.ts'
import { documentKinds } from './kinds.ts'

/** A guest with its root disk (which has its id) and its ports. */
export const instanceWish = instanceSpec.omit({ disks: true, nics: true, power: true }).extend({
  /** Null: whether it runs is left as it is. */
  power: z.literal('running').nullable(),
  /** Null: it was made at the launch and must be there. Made anew it would be an empty one. */
  disk: diskSpec.pick({ sizeGib: true, mode: true }).extend({ base: baseSpec }).nullable(),
  /** Ids of its ports, in the order of its NICs. */
  ports: z.array(generatedId).max(bounds.nicsOfGuest),
})

/** What a document of a kind says. */
export const documentBodies = {
  network: networkSpec,
  addressSet: addressSetSpec,
  router: routerSpec,
  port: portSpec,
  instance: instanceWish,
} satisfies Record<(typeof documentKinds)[number], z.ZodType>

const generation = z.int().min(0)
const kindAndId = z.object({ kind: z.enum(documentKinds), id: generatedId })

/** As they are told in one call: each body is checked by itself, so that one that is wrong is refused alone. */
export const toldDocuments = z
  .array(kindAndId.extend({ generation: generation.min(1), body: z.unknown() }))
  .max(1000)

/** Of which document a receipt is. */
export const receiptOf = kindAndId.extend({ generation })
export const receipt = z.discriminatedUnion('outcome', [
  receiptOf.extend({
    outcome: z.literal('reached'),
    port: observedPort.optional(),
    guest: observedInstance.optional(),
  }),
  /**
   * It takes its time; whoever waits asks again, at least twice a minute: what nobody asks for any more is given
   * up. `for`: "the host to copy the image".
   */
  receiptOf.extend({ outcome: z.literal('working'), for: words(2_000) }),
  /** `known`: what the host has heard already. */
  receiptOf.extend({ outcome: z.literal('older'), known: generation }),
  receiptOf.extend({
    outcome: z.literal('failed'),
    code: z.enum(driverErrorCodes),
    message: words(2_000),
  }),
])

/** What the host has heard last of a thing, and whether it is like that by now. */
export const keptDocument = receiptOf.extend({ reached: z.boolean(), gone: z.boolean() })
