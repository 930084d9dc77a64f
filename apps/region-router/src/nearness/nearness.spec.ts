import fc from 'fast-check';
import { ClientAddresses } from '@parley/server-kit';
import { placeOf } from './caller-place';
import { Countries } from './countries';
import { distanceKm, readPosition, type Position } from './position';

const countries = new Countries();
const proxies = new ClientAddresses(['10.0.0.0/8']);

const FRANKFURT = { latitude: 50.1, longitude: 8.7 };
const VIRGINIA = { latitude: 39, longitude: -77.5 };

function place(headers: Record<string, string>, peer = '10.0.0.1'): Position | undefined {
  // The only thing of the socket that is looked at.
  const socket = { remoteAddress: peer } as Parameters<typeof placeOf>[0]['socket'];
  return placeOf({ headers, socket }, proxies, countries);
}

const nearer = (where: Position | undefined) =>
  where && (distanceKm(where, FRANKFURT) < distanceKm(where, VIRGINIA) ? 'Frankfurt' : 'Virginia');

it.each([
  ['91.65.1.1', 'DE', 'Frankfurt'],
  ['2a02:8108::1', 'DE', 'Frankfurt'],
  ['8.8.8.8', 'US', 'Virginia'],
  ['200.160.2.3', 'BR', 'Virginia'],
  ['127.0.0.1', undefined, undefined],
  ['unknown', undefined, undefined],
])('%s is in %s, nearer to %s', (address, country, city) => {
  expect(countries.ofAddress(address)).toBe(country);
  expect(nearer(place({ 'x-forwarded-for': address }))).toBe(city);
});

it('a trusted proxy knows better: position before country before address', () => {
  const headers = { 'x-forwarded-for': '8.8.8.8', 'x-parley-client-country': 'fr' };
  expect(nearer(place(headers))).toBe('Frankfurt');
  expect(nearer(place({ ...headers, 'x-parley-client-position': '40.7, -74' }))).toBe('Virginia');
  expect(nearer(place({ ...headers, 'x-parley-client-position': 'here' }))).toBe('Frankfurt');
  expect(nearer(place({ ...headers, 'x-parley-client-country': 'XX' }))).toBe('Virginia');
});

it('nobody else is believed', () => {
  const headers = {
    'x-parley-client-country': 'US',
    'x-parley-client-position': '40,-74',
    'x-forwarded-for': '8.8.8.8',
  };
  expect(nearer(place(headers, '91.65.1.1'))).toBe('Frankfurt');
});

it('distances are symmetric, no longer than half the way round, and right where they are known', () => {
  const positions = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  });
  fc.assert(
    fc.property(positions, positions, (one, other) => {
      const way = distanceKm(one, other);
      expect(way).toBeCloseTo(distanceKm(other, one), 6);
      expect(way).toBeGreaterThanOrEqual(0);
      expect(way).toBeLessThanOrEqual(20_016);
    }),
  );
  expect(distanceKm(FRANKFURT, VIRGINIA)).toBeGreaterThan(6_400);
  expect(distanceKm(FRANKFURT, VIRGINIA)).toBeLessThan(6_700);
});

it('reads positions, and nothing that is none', () => {
  expect(readPosition('52.5,13.4')).toEqual({ latitude: 52.5, longitude: 13.4 });
  for (const text of ['', '91,0', '0,181', '1', 'a,b', '1,2,3', '1e1,2']) expect(readPosition(text)).toBeUndefined();
});
