import { expect, it } from 'vitest'
import { imageCreateCli, imageSetCli } from './cli.ts'

const values = {
  name: 'Debian 13',
  description: '',
  diskFormat: 'qcow2' as const,
  visibility: 'private' as const,
  minDiskGib: 0,
  minRamMib: 512,
  protected: false,
}
const flat = (text: string) => text.replaceAll(/ \\\n\s+/g, ' ')

it('writes the upload of an image as a command', () => {
  expect(flat(imageCreateCli(values, 'my disk.qcow2'))).toBe(
    "openstack image create --disk-format qcow2 --container-format bare --min-ram 512 --private --file 'my disk.qcow2' 'Debian 13'",
  )
  expect(flat(imageCreateCli({ ...values, visibility: 'public', protected: true }, null))).toContain(
    '--public --protected',
  )
})
it('names only what has changed', () => {
  const image = { id: 'i1', hidden: false, ...values }
  expect(imageSetCli(image, { ...image, protected: true })).toBe('openstack image set --protected i1')
  expect(imageSetCli(image, { ...image, hidden: true, minDiskGib: 2 })).toBe(
    'openstack image set --hidden --min-disk 2 i1',
  )
})
