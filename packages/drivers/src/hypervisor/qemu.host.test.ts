import { hypervisorConformance } from './conformance.ts'
import { qemuHarness } from './qemu.testing.ts'

hypervisorConformance('qemu', () => qemuHarness())
