/** How a guest reaches its disks. */
export type DiskBus = 'virtio' | 'scsi'

type Properties = Readonly<Record<string, unknown>>
/** Models of SCSI controllers that images may ask for; “auto” leaves the choice to the cloud. */
const models = ['virtio-scsi', 'auto']

/** The bus that the properties of an image ask for. */
export const diskBusOf = ({ hw_disk_bus: bus }: Properties): DiskBus => (bus === 'scsi' ? 'scsi' : 'virtio')

/** Returns the sentence why a guest of an image with these properties cannot be built; null when it can. */
export function diskBusProblem({ hw_disk_bus: bus, hw_scsi_model: model }: Properties): string | null {
  const quoted = (value: unknown) => `“${String(value).slice(0, 50)}”`
  if (bus !== undefined && bus !== 'virtio' && bus !== 'scsi')
    return `The image asks by hw_disk_bus for the disk bus ${quoted(bus)}. This cloud has virtio and scsi.`
  if (bus === 'scsi' && model !== undefined && !models.includes(String(model)))
    return `The image asks by hw_scsi_model for the controller ${quoted(model)}. This cloud has virtio-scsi.`
  return null
}
