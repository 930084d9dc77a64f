import * as fc from 'fast-check';
import { ClientAddresses, throttleKey } from './index';

describe('ClientAddresses', () => {
  const clients = new ClientAddresses(['127.0.0.0/8', '10.0.0.0/8', 'fc00::/7', '192.0.2.1']);

  it.each([
    ['no proxy of ours: the header is a lie', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['one proxy', '10.1.2.3', '203.0.113.5', '203.0.113.5'],
    ['forged entries further left', '10.1.2.3', '1.1.1.1, 203.0.113.5', '203.0.113.5'],
    ['two proxies', '127.0.0.1', '203.0.113.5, 10.9.9.9', '203.0.113.5'],
    ['a single trusted address', '192.0.2.1', '203.0.113.5', '203.0.113.5'],
    ['IPv4 in IPv6 clothing', '::ffff:10.0.0.1', '203.0.113.5', '203.0.113.5'],
    ['ports written along', '10.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['garbage ends the walk', '10.0.0.1', '203.0.113.5, unknown', '10.0.0.1'],
    ['nothing but proxies', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ])('%s', (_name, peer, header, expected) => {
    expect(clients.clientOf(peer, header)).toBe(expected);
  });

  it('answers something for any header', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (peer, header) => clients.clientOf(peer, header) !== ''));
  });
});

describe('throttleKey', () => {
  it('takes IPv6 by /64 and IPv4 whole', () => {
    expect(throttleKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(throttleKey('2001:db8:1:2:ffff::')).toBe('2001:db8:1:2::/64');
    expect(throttleKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(throttleKey('garbage')).toBe('unknown');
  });
});
