import { endToEnd } from './headers';

describe('headers that go on', () => {
  it('lack those that Connection names, however it is written', () => {
    const headers = ['Connection', ' close ,X-One,\tx-two ', 'x-one', '1', 'X-Two', '2', 'x-three', '3'];
    expect(endToEnd(headers)).toEqual(['x-three', '3']);
  });

  it('cost no more time for a Connection full of spaces', () => {
    const headers = ['Connection', `a${' '.repeat(100_000)}b`, 'x-one', '1'];
    const before = process.cpuUsage();
    expect(endToEnd(headers)).toEqual(['x-one', '1']);
    const { user } = process.cpuUsage(before);
    // Tried from each space anew it took 20 s.
    expect(user / 1e6).toBeLessThan(5);
  });
});
