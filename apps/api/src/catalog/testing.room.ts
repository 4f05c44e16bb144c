import {
  byId,
  catalogEndpoint,
  catalogEndpointInput,
  catalogRegion,
  catalogService,
  name,
} from '../authorization.testing.ts'
import type { TestingRoom } from '../rooms.testing.ts'
import { catalogExamples } from './testing.openstack.ts'

export const testingRoom: TestingRoom = {
  examples: { identity: catalogExamples },
  rows: {
    access: { kind: 'anyone' },
    'services.list': { kind: 'admin', input: () => ({}) },
    'services.create': { kind: 'admin', input: () => ({ type: 'dns' }) },
    'services.update': byId('admin', catalogService, { name: 'z' }),
    'services.delete': byId('admin', catalogService),
    'endpoints.list': { kind: 'admin', input: () => ({}) },
    'endpoints.create': { kind: 'admin', input: catalogEndpointInput },
    'endpoints.update': byId('admin', catalogEndpoint, { enabled: false }),
    'endpoints.delete': byId('admin', catalogEndpoint),
    'regions.list': { kind: 'anyone' },
    'regions.create': { kind: 'admin', input: () => ({ id: name() }) },
    'regions.update': byId('admin', catalogRegion, { description: 'x' }),
    'regions.delete': byId('admin', catalogRegion),
  },
}
