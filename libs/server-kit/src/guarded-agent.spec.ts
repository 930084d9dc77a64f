import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { checkLiteral, createGuardedAgent, guardedLookup, type Reach } from './guarded-agent';
import { isAddressAllowed } from './receiver-addresses';
import { eitherResolve, UnknownName } from './resolve';

class Refused extends Error {}
const LOCAL: Reach = {
  checkTarget: ({ protocol }) => {
    if (protocol !== 'http:') throw new Refused('scheme');
  },
  allows: (address) => isAddressAllowed(address, 'local-too'),
  refusal: () => new Refused('address'),
};
let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer((_request, response) => void response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** What becomes of a request to this host, whose name leads to these addresses. */
async function get(host: string, ...addresses: string[]): Promise<string> {
  const agent = createGuardedAgent({ reach: LOCAL, resolve: async () => addresses, connectTimeoutMs: 15_000 });
  try {
    const { body } = await request(`${host}:${port}/`, { dispatcher: agent });
    return await body.text();
  } catch (error) {
    return error instanceof Refused ? error.message : 'failed';
  } finally {
    await agent.destroy();
  }
}

it('dials an address that was checked, another one when the first does not answer', async () => {
  expect(await get('http://name.test', '127.0.0.1')).toBe('here');
  expect(await get('http://name.test', '127.0.0.2', '127.0.0.1')).toBe('here');
  expect(await get('http://name.test')).toBe('failed');
});

it('one address that is not allowed spoils a name; literals and schemes are checked as well', async () => {
  expect(await get('http://name.test', '127.0.0.1', '169.254.169.254')).toBe('address');
  expect(await get('http://169.254.169.254')).toBe('address');
  expect(await get('http://[::ffff:169.254.169.254]')).toBe('address');
  expect(await get('https://name.test', '127.0.0.1')).toBe('scheme');
});

it('a lookup decides the same', async () => {
  const look = (addresses: string[], all: boolean) =>
    new Promise((resolve) => {
      const lookup = guardedLookup(LOCAL, async () => addresses, 'http:');
      lookup('name.test', { all }, (error, found) => resolve(error === null ? found : error.message));
    });
  expect(await look(['127.0.0.1'], false)).toBe('127.0.0.1');
  expect(await look(['::1', '127.0.0.1'], true)).toEqual([
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]);
  expect(await look(['127.0.0.1', '10.0.0.1'], true)).toBe('address');
  expect(await look([], false)).toBe('address');
  expect(() => checkLiteral(LOCAL, new URL('http://10.0.0.1/'))).toThrow('address');
  expect(() => checkLiteral(LOCAL, new URL('https://127.0.0.1/'))).toThrow('scheme');
  expect(() => checkLiteral(LOCAL, new URL('http://10.name.test/'))).not.toThrow();
});

it('what name servers do not answer is not asked of the system, whose few threads serve everybody', async () => {
  const inner = jest.fn(async () => ['10.0.0.1']);
  const silent = eitherResolve(() => Promise.reject(new Error('timeout')), inner);
  await expect(silent('dead.test')).rejects.toThrow('timeout');
  expect(inner).not.toHaveBeenCalled();
  expect(await eitherResolve(() => Promise.reject(new UnknownName('none')), inner)('ours')).toEqual(['10.0.0.1']);
  expect(await eitherResolve(async () => ['192.0.2.1'], inner)('name.test')).toEqual(['192.0.2.1']);
});
