import type { FlavorView } from '@stratolith/api/compute/contract'
import type { ImageView } from '@stratolith/api/images/contract'
import type { NetworkView } from '@stratolith/api/networking/contract'

const gib = 1024 ** 3

/** Returns the size of the root disk that an image needs, in GiB. */
export const imageDiskGib = (image: ImageView): number =>
  Math.max(image.minDiskGib, Math.ceil((image.virtualBytes ?? 0) / gib))

/** Returns true, or the sentence why this image does not fit into this size. */
export function flavorTakes(flavor: FlavorView, image: ImageView | null): true | string {
  if (!image) return true
  const disk = imageDiskGib(image)
  if (flavor.diskGib < disk) return `The image needs ${disk} GiB of disk.`
  if (flavor.memoryMib < image.minRamMib) return `The image needs ${image.minRamMib} MiB of memory.`
  return true
}

/** Returns the image that is selected at first: the wished one, else the project's newest, else the newest of all. */
export function defaultImage(images: readonly ImageView[], wished: string | null): ImageView | null {
  return images.find((image) => image.id === wished) ?? images.find((image) => image.own) ?? images[0] ?? null
}

/** Returns the smallest size into which the image fits (flavors come smallest first). */
export function defaultFlavor(flavors: readonly FlavorView[], image: ImageView | null): FlavorView | null {
  return flavors.find((flavor) => flavorTakes(flavor, image) === true) ?? null
}

/**
 * Returns the network that is selected at first: the project's own network with a way out, else any network of the
 * project, else a shared one.
 */
export function defaultNetwork(networks: readonly NetworkView[]): NetworkView | null {
  const usable = networks.filter((network) => network.state === 'active' && network.subnets.length > 0)
  return (
    usable.find((network) => network.own && network.router?.externalAddress) ??
    usable.find((network) => network.own) ??
    usable[0] ??
    null
  )
}
