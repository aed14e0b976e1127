# SPDX-License-Identifier: GPL-2.0
"""ACPI tables: tell the guest which of its PCIe root ports lead outside.

Whatever is plugged in behind a port that firmware calls external is untrusted:
Linux keeps its DMA behind the IOMMU, and bounces mappings that are not whole
pages. QEMU names its ports in the DSDT but cannot call one external. So it is
given a further table, in which this is added to each such port:

    Scope (\\_SB.PCI0.SC0) {
        Name (_DSD, Package () {
            ToUUID ("efcc06cc-73ac-4bc3-bff0-76143807c389"),
            Package () { Package () { "ExternalFacingPort", 1 } }
        })
    }

The bytes are put together here, see "AML byte stream" in the ACPI
specification: a compiler for a dozen of them is one more thing to install.
"""

from __future__ import annotations

import uuid

EXTERNAL_FACING = uuid.UUID("efcc06cc-73ac-4bc3-bff0-76143807c389")

ONE_OP, NAME_OP, BYTE_PREFIX, STRING_PREFIX = b"\x01", b"\x08", b"\x0a", b"\x0d"
SCOPE_OP, BUFFER_OP, PACKAGE_OP = b"\x10", b"\x11", b"\x12"


def block(opcode: bytes, body: bytes) -> bytes:
    """An operator with a length, which counts itself: one byte up to 63, then two."""
    if len(body) < 63:
        return opcode + bytes([len(body) + 1]) + body
    size = len(body) + 2
    if size >= 1 << 12:
        raise ValueError(f"{len(body)} bytes of AML in one block")
    return opcode + bytes([0x40 | size & 0xf, size >> 4]) + body


def package(*items: bytes) -> bytes:
    """Package () { items }"""
    return block(PACKAGE_OP, bytes([len(items)]) + b"".join(items))


def path(*names: str) -> bytes:
    """A path from the root; each name has four characters, filled up with `_`."""
    segments = [name.ljust(4, "_").encode() for name in names]
    return b"\\\x2f" + bytes([len(segments)]) + b"".join(segments)


def external_port(slot: int) -> bytes:
    """AML that calls the root port in this slot of PCI bus 0 external, function 0."""
    guid = block(BUFFER_OP, BYTE_PREFIX + b"\x10" + EXTERNAL_FACING.bytes_le)
    prop = package(STRING_PREFIX + b"ExternalFacingPort\0", ONE_OP)
    port = path("_SB", "PCI0", f"S{slot << 3:02X}")
    return block(SCOPE_OP, port + NAME_OP + b"_DSD" + package(guid, package(prop)))
