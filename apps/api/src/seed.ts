/**
 * Makes the first contents of a cloud: this host, users, networks, flavors, the test image. tools/cloud.ts runs this
 * at every start; existing things are left alone.
 *   node seed.ts IMAGE.qcow2   with STRATOLITH_{ADMIN,DEMO}_PASSWORD in the environment
 * A line of its output names the users whose given password is right: existing users keep their passwords.
 */
import path from 'node:path'
import { seedFlavors } from './compute/flavors/seed.ts'
import { seedIdentity } from './directory/seed.ts'
import { registerHost } from './hosts/service.ts'
import { seedTestImage } from './images/seed.ts'
import { systemCtx } from './kernel/context.ts'
import { invariant } from './kernel/errors.ts'
import { seedNetworking } from './networking/seed.ts'
import { buildDeps } from './process.ts'
import { seedGroupTypes, seedVolumeTypes } from './volumes/service.ts'
import './register.ts'

const [, , image] = process.argv
const { STRATOLITH_ADMIN_PASSWORD, STRATOLITH_DEMO_PASSWORD, STRATOLITH_HOST } = process.env
invariant(image, 'usage: node seed.ts IMAGE.qcow2')
invariant(STRATOLITH_ADMIN_PASSWORD && STRATOLITH_DEMO_PASSWORD && STRATOLITH_HOST, 'start it by `npm start`')

const deps = buildDeps('seed', 4)
const ctx = systemCtx(deps, 'seed')
const right = await seedIdentity(deps, {
  adminPassword: STRATOLITH_ADMIN_PASSWORD,
  demoPassword: STRATOLITH_DEMO_PASSWORD,
})
await seedNetworking(deps)
await seedFlavors(ctx)
await seedVolumeTypes(ctx)
await seedGroupTypes(ctx)
const socket = path.join(deps.config.dataDir, 'hosts', STRATOLITH_HOST, 'agent.sock')
await registerHost(ctx, { name: STRATOLITH_HOST, endpoint: `unix:${socket}` })
await seedTestImage(deps, image)
console.log(`right passwords: ${right.join(',')}`)
await deps.root.$disconnect()
process.exit(0)
