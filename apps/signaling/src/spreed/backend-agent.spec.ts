import { ReachRules } from './backend-agent';

describe('where backends may be', () => {
  test('only on the public internet', () => {
    const rules = new ReachRules([]);
    for (const address of ['93.184.216.34', '2606:4700::1111'])
      expect([address, rules.allows(address)]).toEqual([address, true]);
    const inward = ['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1', '100.64.0.1', '0.0.0.0', '224.0.0.1'];
    const inward6 = [
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      '::ffff:10.0.0.1',
      '64:ff9b::a00:1',
      '2002:a00:1::',
      '2001:db8::1',
    ];
    for (const address of [...inward, ...inward6, 'no address']) {
      expect([address, rules.allows(address)]).toEqual([address, false]);
    }
    expect(() => rules.checkTarget({ protocol: 'http:' })).toThrow();
    expect(() => rules.checkTarget({ protocol: 'https:' })).not.toThrow();
  });

  test('and in the ranges the operator allowed', () => {
    const rules = new ReachRules(['10.0.0.0/8', 'fd00::/8']);
    expect(rules.allows('10.1.2.3')).toBe(true);
    expect(rules.allows('fd00::1')).toBe(true);
    expect(rules.allows('127.0.0.1')).toBe(false);
    expect(rules.allows('10.1.2.3', 'http:')).toBe(true);
    expect([rules.allows('93.184.216.34', 'http:'), rules.allows('93.184.216.34', 'https:')]).toEqual([false, true]);
    expect(() => rules.checkTarget({ protocol: 'http:' })).not.toThrow();
  });
});
