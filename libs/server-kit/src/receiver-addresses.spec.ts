import { AllowedReceivers, isAddressAllowed, mayBeReceiver } from './receiver-addresses';

/** As `new URL(...)` hands them on: it turns odd literals into plain ones. */
const hostOf = (literal: string): string => new URL(`https://${literal}/`).hostname.replace(/^\[|\]$/g, '');

const allowed = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.216.34',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '100.63.255.255',
  '100.128.0.1',
  '198.17.255.255',
  '223.255.255.254',
  '[2606:4700:4700::1111]',
  '[2a00:1450:4001::64]',
  '[::ffff:8.8.8.8]',
];

const refused = [
  ['this network', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.1.1'],
  ['shared (carrier NAT)', '100.64.0.1'],
  ['shared (carrier NAT)', '100.127.255.254'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['loopback as one number', '2130706433'],
  ['loopback in hexadecimal', '0x7f.1'],
  ['loopback in hexadecimal', '0x7f000001'],
  ['loopback in octal', '0177.0.0.1'],
  ['loopback, short', '127.1'],
  ['link-local: cloud metadata', '169.254.169.254'],
  ['metadata as one number', '2852039166'],
  ['container metadata', '169.254.170.2'],
  ['IETF protocol assignments', '192.0.0.8'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.7'],
  ['documentation', '203.0.113.9'],
  ['6to4 relay', '192.88.99.1'],
  ['benchmarking', '198.18.0.1'],
  ['benchmarking', '198.19.255.255'],
  ['multicast', '224.0.0.1'],
  ['multicast', '239.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '[::]'],
  ['loopback', '[::1]'],
  ['mapped loopback', '[::ffff:127.0.0.1]'],
  ['mapped private', '[::ffff:10.0.0.1]'],
  ['mapped metadata', '[::ffff:a9fe:a9fe]'],
  ['IPv4-compatible loopback', '[::127.0.0.1]'],
  ['NAT64', '[64:ff9b::7f00:1]'],
  ['NAT64, local', '[64:ff9b:1::1]'],
  ['discard', '[100::1]'],
  ['documentation', '[2001:db8::1]'],
  ['Teredo', '[2001:0:4136:e378:8000:63bf:3fff:fdd2]'],
  ['ORCHIDv2', '[2001:20::1]'],
  ['6to4 of loopback', '[2002:7f00:1::]'],
  ['documentation', '[3fff::1]'],
  ['segment routing', '[5f00::1]'],
  ['unique local', '[fc00::1]'],
  ['unique local: metadata', '[fd00:ec2::254]'],
  ['link-local', '[fe80::1]'],
  ['site-local', '[fec0::1]'],
  ['multicast', '[ff02::1]'],
] as const;

describe('addresses of receivers', () => {
  test.each(allowed)('%s is on the internet', (literal) => {
    expect(isAddressAllowed(hostOf(literal), 'public')).toBe(true);
    expect(isAddressAllowed(hostOf(literal), 'local-too')).toBe(true);
  });

  test.each(refused)('%s: %s is refused', (_why, literal) => {
    expect(isAddressAllowed(hostOf(literal), 'public')).toBe(false);
  });

  test.each(refused)('%s: %s is open to the demo domain only if it is this machine', (_why, literal) => {
    const host = hostOf(literal);
    expect(isAddressAllowed(host, 'local-too')).toBe(/^127\.|^::1$|^::ffff:7f00:/.test(host));
  });

  test.each(['', 'localhost', 'example.org', 'fe80::1%eth0', '1.2.3', '1.2.3.4.5', ' 8.8.8.8'])(
    'what is no address is refused: "%s"',
    (text) => expect(isAddressAllowed(text, 'local-too')).toBe(false),
  );
});

describe('hosts of URLs', () => {
  test.each(refused)('%s: %s is refused already as text', (_why, literal) => {
    expect(mayBeReceiver(new URL(`https://${literal}/`).hostname, 'public')).toBe(false);
  });

  test.each(['localhost', 'LOCALHOST', 'a.localhost', 'localhost.'])('%s is this machine', (name) => {
    const { hostname } = new URL(`https://${name}/`);
    expect([mayBeReceiver(hostname, 'public'), mayBeReceiver(hostname, 'local-too')]).toEqual([false, true]);
  });

  test.each(['example.org', 'localhost.example.org', 'notlocalhost', '1.1.1.1', '[2606:4700:4700::1111]'])(
    '%s may be one',
    (name) => expect(mayBeReceiver(new URL(`https://${name}/`).hostname, 'public')).toBe(true),
  );
});

describe("receivers of the operator's own network", () => {
  const allowed = new AllowedReceivers(['10.1.0.0/16', '192.168.7.9', 'fd00::/8', 'Hooks.internal']);

  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['10.2.0.1', false],
    ['192.168.7.9', true],
    ['192.168.7.8', false],
    ['fd00::1', true],
    ['fd00::1%eth0', false],
    ['hooks.internal', false],
  ])('as an address, %s: %s', (address, expected) => expect(allowed.hasAddress(address)).toBe(expected));

  it.each([
    ['hooks.internal', true],
    ['HOOKS.internal.', true],
    ['10.1.2.3', true],
    ['[fd00::1]', true],
    ['10.2.0.1', false],
    ['169.254.169.254', false],
    ['localhost', false],
    ['example.org', true],
  ])('%s may be one: %s', (host, expected) => expect(mayBeReceiver(host, 'public', allowed)).toBe(expected));

  it('are named exactly', () => {
    expect(['hooks.internal', 'x.hooks.internal', 'internal', '10.1.2.3'].map((host) => allowed.hasHost(host))).toEqual(
      [true, false, false, false],
    );
  });
});
