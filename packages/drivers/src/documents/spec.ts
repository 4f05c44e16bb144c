import { z } from 'zod'
import { bounds } from '../bounds.ts'
import { driverErrorCodes } from '../errors.ts'
import { generatedId, localDiskKind, words } from '../fields.ts'
import { observedInstance } from '../hypervisor/observed.ts'
import { instanceSpec } from '../hypervisor/spec.ts'
import { observedPort } from '../network/observed.ts'
import { addressSetSpec, networkSpec, portSpec, routerSpec } from '../network/spec.ts'
import { baseSpec, diskSpec, localDiskSpec } from '../storage/spec.ts'
import { documentKinds } from './kinds.ts'

/** A guest with its root disk (which has its id, unless it is a volume) and its ports. */
export const instanceWish = instanceSpec.omit({ disks: true, nics: true, power: true }).extend({
  /** Null: a running guest goes on running, and a guest that is off stays off. */
  power: z.literal('running').nullable(),
  /** Null: the disk was made at the launch and must exist. A new disk would not have the guest's data. */
  disk: diskSpec.pick({ sizeGib: true, mode: true }).extend({ base: baseSpec }).nullable(),
  /** The guest's root disk is one of its volumes (`boot`), and the guest has no disk of its own. */
  rootOnVolume: z.literal(true).optional(),
  /**
   * The guest's ephemeral and swap disks, in their order. `make` null: the disk was made at the launch and must exist.
   * `isBuilt`: the guest was built before, and its disk must exist, unless the host's record of the guest does not name the
   * disk. A control plane that knows no such disks has built that guest, and the disk is made before the next start.
   */
  localDisks: z
    .array(
      z.object({
        id: generatedId,
        kind: localDiskKind,
        make: localDiskSpec.pick({ sizeMib: true, format: true, label: true }).nullable(),
        isBuilt: z.literal(true).optional(),
      }),
    )
    .max(bounds.disksOfGuest)
    .optional(),
  /** Ids of the guest's ports, in the order of its NICs. */
  ports: z.array(generatedId).max(bounds.nicsOfGuest),
})

/** The schema of the body for each kind of document. */
export const documentBodies = {
  network: networkSpec,
  addressSet: addressSetSpec,
  router: routerSpec,
  port: portSpec,
  instance: instanceWish,
} satisfies Record<(typeof documentKinds)[number], z.ZodType>

const generation = z.int().min(0)
const kindAndId = z.object({ kind: z.enum(documentKinds), id: generatedId })

/** The documents of one call. Each body is checked by itself later, so that an invalid body is refused alone. */
export const toldDocuments = z
  .array(kindAndId.extend({ generation: generation.min(1), body: z.unknown() }))
  .max(1000)

/** The fields that name the document of a receipt. */
export const receiptOf = kindAndId.extend({ generation })
export const receipt = z.discriminatedUnion('outcome', [
  receiptOf.extend({
    outcome: z.literal('reached'),
    port: observedPort.optional(),
    guest: observedInstance.optional(),
  }),
  /**
   * The work takes longer. The caller asks again at least twice a minute, because the host gives up work that nobody
   * asks for. `for` says what the host waits for, such as "the host to copy the image".
   */
  receiptOf.extend({ outcome: z.literal('working'), for: words(2_000) }),
  /** The host knows a newer generation, `known`. */
  receiptOf.extend({ outcome: z.literal('older'), known: generation }),
  receiptOf.extend({
    outcome: z.literal('failed'),
    // A newer host may have further codes.
    code: z.enum(driverErrorCodes).catch('failed'),
    message: words(2_000),
  }),
])

/** The newest generation of a thing that the host knows, and whether the host has reached it. */
export const keptDocument = receiptOf.extend({ reached: z.boolean(), gone: z.boolean() })
