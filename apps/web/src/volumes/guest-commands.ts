import type { VolumeView } from '@stratolith/api/volumes/contract'

/**
 * The name under which a Linux guest with udev finds the volume's disk, whatever the order of its disks: virtio has
 * room for 20 characters of a serial number, and SCSI for all. `device` is the name that the guest probably gives it.
 */
export const diskPath = (id: string, device = ''): string =>
  device.startsWith('/dev/sd')
    ? `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${id}`
    : `/dev/disk/by-id/virtio-${id.slice(0, 20)}`

/** A folder of the guest for the volume. The name comes from a person, so only plain characters are kept. */
export function mountPoint(name: string): string {
  const word = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '')
  return `/mnt/${word || 'volume'}`
}

/** The commands that people type in the guest, by what they want to do. */
export function guestCommands({ id, name, device }: { id: string; name: string; device?: string }) {
  const [disk, folder] = [diskPath(id, device), mountPoint(name)]
  return {
    look: `lsblk -o NAME,SIZE,SERIAL,FSTYPE,MOUNTPOINT\nls -l ${disk}`,
    format: `sudo mkfs.ext4 ${disk}`,
    mount: `sudo mkdir -p ${folder}\nsudo mount ${disk} ${folder}`,
    keep: `echo '${disk} ${folder} ext4 defaults,nofail 0 2' | sudo tee -a /etc/fstab`,
    grow: `sudo resize2fs ${disk}`,
    release: `sudo umount ${folder}`,
  }
}

type Step = { title: string; cli: string }
/**
 * What the page of a volume tells people to type, in the order in which they need it. Usual file systems are destroyed on
 * a disk that several guests write, so nobody is told to make one there.
 */
export function guestSteps(
  volume: Pick<VolumeView, 'id' | 'name' | 'image' | 'multiattach'> & { device?: string },
): Step[] {
  const commands = guestCommands(volume)
  const look = { title: 'Look for it', cli: commands.look }
  if (volume.multiattach) return [look]
  const format = { title: 'Format it once: this deletes what is on it', cli: commands.format }
  return [
    look,
    ...(volume.image === null ? [format] : []),
    { title: 'Mount it', cli: commands.mount },
    { title: 'Mount it at each start', cli: commands.keep },
    { title: 'After it was extended: let the file system grow', cli: commands.grow },
    { title: 'Before it is detached', cli: commands.release },
  ]
}
