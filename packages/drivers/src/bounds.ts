/** The largest number of parts that a thing may have: the agent protocol, the drivers and the control plane refuse more. */
export const bounds = {
  subnetsOfNetwork: 64,
  dnsOfSubnet: 8,
  addressesOfPort: 64,
  rulesOfPort: 5_000,
  interfacesOfRouter: 256,
  floatingIpsOfRouter: 4_096,
  membersOfSet: 65_536,
  /** The machine of a guest has PCI slots for so many disks (volumes are disks, too) and NICs. */
  disksOfGuest: 26,
  nicsOfGuest: 8,
}
