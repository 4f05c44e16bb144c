import { asOwner, byId, image, name, offer, sharedImage, stray } from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'
import { imageCreateInput } from './contract.ts'
import { createImage } from './service.ts'
import { imageExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { image: imageExamples },
  rows: {
    list: { kind: 'list', input: () => ({}) },
    get: byId('read', image),
    create: { kind: 'create', input: () => ({ name: name(), diskFormat: 'raw' }) },
    update: byId('write', image, { name: 'new' }),
    delete: byId('write', image),
    setProperty: byId('write', image, { key: 'os_admin_user', value: 'root' }),
    removeProperty: {
      kind: 'write',
      input: async () => {
        const property = { id: await image(), key: 'os_admin_user' }
        await asOwner().images.setProperty({ ...property, value: 'root' })
        return property
      },
    },
    // An image without data is in neither of the two states, so an allowed call ends in a conflict.
    deactivate: byId('write', image),
    reactivate: byId('write', image),
    'members.list': { kind: 'read', input: async () => ({ imageId: await sharedImage() }) },
    'members.add': {
      kind: 'write',
      input: async () => ({ imageId: await sharedImage(), projectId: 'f'.repeat(32) }),
    },
    // The project that the image is shared with may answer, and so may administrators.
    'members.answer': { kind: 'write', input: async () => ({ ...(await offer()), status: 'accepted' }) },
    'members.remove': { kind: 'write', input: offer },
    adopt: {
      kind: 'admin',
      input: async () => ({ strayId: await stray('blob'), name: name(), diskFormat: 'raw' }),
    },
    trash: { kind: 'admin' },
    takeBack: { kind: 'admin', input: () => ({ sha256: 'd'.repeat(64) }) },
  },
  quota: {
    images: {
      make: (ctx, i) => createImage(ctx, imageCreateInput.parse({ name: `i${i}`, diskFormat: 'raw' })),
    },
  },
}
