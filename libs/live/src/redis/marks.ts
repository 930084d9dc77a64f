/** How many parts of a cluster's slots have a mark: a node with twice such a part loses at least one with its data. */
const PARTS = 64;
const SLOTS = 16_384;

/** Names of tags, one in each part of the slots. */
export function markTags(): string[] {
  const tags = new Map<number, string>();
  for (let n = 0; tags.size < PARTS; n += 1) {
    const tag = `mark:${n}`;
    const part = Math.floor((slotOf(tag) * PARTS) / SLOTS);
    if (!tags.has(part)) tags.set(part, tag);
  }
  return [...tags.values()];
}

/** The slot of a cluster a tag belongs to: CRC16 (XMODEM), as Redis computes it. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % SLOTS;
}
