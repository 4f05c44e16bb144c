import path from 'node:path'
import { openImageStore } from '@stratolith/drivers/storage/image-store'
import type { ImageStore } from '@stratolith/drivers/storage/interface'
import type { Deps } from '../kernel/context.ts'

const open = new WeakMap<Deps, ImageStore>()

/** The cloud's image bytes ($STRATOLITH_DATA/images), opened once a process. */
export function imageStore(deps: Deps): ImageStore {
  let store = open.get(deps)
  if (!store) {
    store = openImageStore(path.join(deps.config.dataDir, 'images'))
    open.set(deps, store)
  }
  return store
}
