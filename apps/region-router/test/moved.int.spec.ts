import type { ServerResponse } from 'node:http';
import { brandAs, type RegionId } from '@parley/domain';
import { exchange } from './fake-services';
import { call, saidTo, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const init = { method: 'init', data: { id: 'x.example/r' } };

/** Makes a region's api answer as the true home does when a router came to the wrong place. */
function refuses(region: TestRegion, refusal = 'not_home'): void {
  const body = '{"isError":true,"errMsg":"moved","data":null}';
  const answer = (_seen: unknown, response: ServerResponse) =>
    response.writeHead(421, { 'content-type': 'application/json', 'x-parley-refused': refusal }).end(body);
  for (const api of region.api) api.answer = answer;
}

describe('a call of a domain that moved', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
  });
  afterEach(() => regions.close());

  it('is repeated at the new home, as it was, with the new epoch', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    expect((await call(eu, init)).status).toBe(200);
    regions.know('x.example', { region: 'eu-1', epoch: 2 });
    refuses(us);
    const answer = await call(eu, init, { 'x-random': 'once' });
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([200, null]);
    expect([seenBy(us).length, seenBy(eu).length]).toEqual([2, 1]);
    expect(seenBy(eu)[0]).toMatchObject({ body: JSON.stringify(init), headers: { 'x-random': 'once' } });
    expect(saidTo(seenBy(us)[1])?.says).toMatchObject({ domain: 'x.example', epoch: '1' });
    expect(saidTo(seenBy(eu)[0])?.says).toMatchObject({ domain: 'x.example', epoch: '2' });
  });

  it('is repeated elsewhere when it left this very region, which the new home learns by the epoch', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'eu-1' });
    for (const region of [eu, us]) expect((await call(region, init)).status).toBe(200);
    regions.know('x.example', { region: 'us-1', epoch: 2 });
    refuses(eu);
    // us-1 still remembers eu-1 as the home; that eu-1 knows a later epoch makes it look again.
    const answer = await call(eu, init);
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([200, 'us-1']);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([3, 1]);
  });

  it('is served by its new home although the copy of the directory there is behind', async () => {
    const { eu, us } = regions;
    eu.directory.domains.set('x.example', { region: 'us-1', epoch: 2 });
    us.directory.domains.set('x.example', { region: 'eu-1' });
    expect((await call(eu, init)).status).toBe(200);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, 1]);
    expect(saidTo(seenBy(us)[0])?.says).toMatchObject({ domain: 'x.example', epoch: '2' });
    // Whoever asks at the one that is behind is told what the other one knows.
    const answer = await call(us, init);
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([508, 'us-1']);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, 1]);
  });

  it('is repeated once and never twice', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    await call(eu, init);
    regions.know('x.example', { region: 'eu-1', epoch: 2 });
    refuses(us);
    refuses(eu, 'wrong_epoch');
    // fetch sends what was answered 421 once more by itself, so one call of a client is two of these.
    const answer = await call(eu, init);
    expect([answer.status, answer.headers.get('x-parley-refused')]).toEqual([421, 'wrong_epoch']);
    expect(seenBy(us)).toHaveLength(2);
    expect(seenBy(eu)).toHaveLength(2);
  });

  it('is repeated once even when the directory says something else each time', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    let epoch = 0;
    eu.directory.domain = async () => {
      epoch += 1;
      return { region: brandAs<RegionId>(epoch % 2 === 1 ? 'us-1' : 'eu-1'), epoch, strictResidency: false };
    };
    refuses(us);
    refuses(eu);
    const body = JSON.stringify(init);
    const head = `POST /api/room HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}`;
    expect(await exchange(eu.port, `${head}\r\n\r\n${body}`)).toMatch(/^HTTP\/1.1 421 /);
    expect([seenBy(us).length, seenBy(eu).length]).toEqual([1, 1]);
  });

  it('is not repeated when the directory has nothing new to say, or none of it', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    refuses(us);
    expect((await call(eu, init)).status).toBe(421);
    expect(seenBy(us)).toHaveLength(2);
    for (const { directory } of [eu, us]) directory.down = true;
    const answer = await call(eu, init);
    // Who refused it is not its home, and nobody knows a better one.
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([421, null]);
    expect([seenBy(us).length, seenBy(eu).length]).toEqual([4, 0]);
  });

  it('stops before the border of a strictly resident domain', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'eu-1' });
    await call(eu, init);
    regions.know('x.example', { region: 'us-1', epoch: 2, strict: true });
    refuses(eu);
    const answer = await call(eu, init);
    expect([answer.status, answer.headers.get('x-home-host')]).toEqual([421, new URL(us.url).host]);
    expect(seenBy(us)).toEqual([]);
  });

  it('is not repeated when its body was streamed', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    await call(eu, init);
    regions.know('x.example', { region: 'eu-1', epoch: 2 });
    refuses(us);
    const body = 'x'.repeat(70_000);
    const answer = await fetch(`${eu.url}/v1/webhooks/1026`, {
      method: 'PATCH',
      headers: { 'x-parley-domain': 'x.example' },
      body,
    });
    // Of what fetch sends again, the directory is asked anew.
    expect([200, 421]).toContain(answer.status);
    expect(seenBy(us).filter((seen) => seen.body === body)).toHaveLength(1);
  });

  it('goes the way that the directory says from then on', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1' });
    await call(eu, init);
    regions.know('x.example', { region: 'eu-1', epoch: 2 });
    refuses(us);
    for (let turn = 0; turn < 3; turn += 1) expect((await call(eu, init)).status).toBe(200);
    expect([seenBy(us).length, seenBy(eu).length]).toEqual([2, 3]);
    expect(eu.directory.asked).toEqual(['domain x.example', 'domain x.example']);
  });
});
