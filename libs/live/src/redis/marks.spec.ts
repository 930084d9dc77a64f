import { markTags, slotOf } from './marks';

describe('marks', () => {
  it('computes slots as Redis does', () => {
    // The check value of CRC16 XMODEM, and an example of the cluster specification.
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('foo')).toBe(12_182);
  });

  it('stand in every part of the slots', () => {
    const slots = markTags()
      .map(slotOf)
      .sort((one, other) => one - other);
    expect(slots.map((slot) => Math.floor(slot / 256))).toEqual([...Array(64).keys()]);
  });
});
