import { ClientAddresses } from '@parley/server-kit';
import { clientAddressOf } from './client-address';

const proxies = new ClientAddresses(['192.168.0.0/16', '10.0.0.1', '2002:db8::/32']);
const isTrusted = (address: string) => proxies.isTrusted(address);

/** peer, X-Real-IP, X-Forwarded-For, expected */
const CASES: readonly [string | undefined, string | undefined, string | undefined, string][] = [
  ['192.168.1.2', undefined, undefined, '192.168.1.2'],
  ['10.11.12.13', undefined, undefined, '10.11.12.13'],
  ['::ffff:192.168.1.2', '1.2.3.4', undefined, '1.2.3.4'],
  // Strangers cannot choose their address.
  ['10.11.12.13', '11.12.13.14', undefined, '10.11.12.13'],
  ['10.11.12.13', undefined, '11.12.13.14', '10.11.12.13'],
  // A proxy may, and X-Real-IP wins.
  ['192.168.1.2', '11.12.13.14', undefined, '11.12.13.14'],
  ['192.168.1.2', '11.12.13.14', '1.1.1.1', '11.12.13.14'],
  ['192.168.1.2', '11.12.13.14:4711', undefined, '11.12.13.14'],
  ['192.168.1.2', 'nonsense', '1.1.1.1', '1.1.1.1'],
  ['192.168.1.2', '', '', '192.168.1.2'],
  // From the right, the first that is no proxy of ours.
  ['192.168.1.2', undefined, '11.12.13.14', '11.12.13.14'],
  ['192.168.1.2', undefined, '11.12.13.14, 192.168.30.32', '11.12.13.14'],
  ['192.168.1.2', undefined, '11.12.13.14, 12.13.14.15', '12.13.14.15'],
  ['192.168.1.2', undefined, '1.1.1.1, 2.2.2.2, 192.168.3.3, 10.0.0.1', '2.2.2.2'],
  ['192.168.1.2', undefined, '11.12.13.14:1234, 192.168.30.32:2345', '11.12.13.14'],
  // What cannot be read is skipped.
  ['192.168.1.2', undefined, 'hidden, 11.12.13.14, unknown, 192.168.1.7', '11.12.13.14'],
  ['192.168.1.2', undefined, 'hidden', '192.168.1.2'],
  // All are ours: the left-most.
  ['192.168.1.2', undefined, '192.168.9.9, 192.168.30.32', '192.168.9.9'],
  // IPv6.
  ['2002:db8::1', undefined, undefined, '2002:db8::1'],
  ['2002:db8::1', '2003:db8::1', undefined, '2003:db8::1'],
  ['2002:db8::1', undefined, '2003:db8::1', '2003:db8::1'],
  ['2002:db8::1', undefined, '[2003:db8::1]:9090, [2002:db8::2]:80', '2003:db8::1'],
  ['2003:db8::1', '2004:db8::1', undefined, '2003:db8::1'],
  [undefined, '1.2.3.4', undefined, 'unknown'],
];

it.each(CASES)('peer %s, X-Real-IP %s, X-Forwarded-For %s: %s', (peer, real, forwarded, expected) => {
  expect(clientAddressOf(peer, { 'x-real-ip': real, 'x-forwarded-for': forwarded }, isTrusted)).toBe(expected);
});
