/** What one thing may consist of at most: the wire, the drivers and the control plane refuse more. */
export const bounds = {
  subnetsOfNetwork: 64,
  dnsOfSubnet: 8,
  addressesOfPort: 64,
  rulesOfPort: 5_000,
  interfacesOfRouter: 256,
  floatingIpsOfRouter: 4_096,
  membersOfSet: 65_536,
  /** As many disks and NICs as the PCI slots that the machine of a guest sets aside. */
  disksOfGuest: 8,
  nicsOfGuest: 8,
}
