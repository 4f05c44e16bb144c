import type { ApiOperation } from '../../../openstack/operation.ts'
import { accessOperations } from './access.ts'
import { defaultTypeOperations } from './defaults.ts'
import { extraSpecOperations } from './extra-specs.ts'
import { qosOperations } from './qos.ts'
import { typeOperations } from './types.ts'

/** Cinder's operations on volume types and QoS specs. */
export const volumeTypeOperations: ApiOperation[] = [
  ...typeOperations,
  ...extraSpecOperations,
  ...accessOperations,
  ...defaultTypeOperations,
  ...qosOperations,
]
