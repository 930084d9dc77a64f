import { fetch } from 'undici';
import { startReceiver, type Receiver } from './receiver';

describe('the receiver', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  const post = (path: string, body = '{"a":1}') =>
    fetch(`${receiver.url}${path}`, { method: 'POST', body, headers: { 'X-Test': 'yes' } });

  it('writes down what it is sent and answers 200', async () => {
    const response = await post('/hook?x=1');
    expect(response.status).toBe(200);
    const request = await receiver.waitFor(1);
    expect(request).toMatchObject({ method: 'POST', url: '/hook?x=1', body: '{"a":1}' });
    expect(request.headers['x-test']).toBe('yes');
  });

  it('changes its answer in the middle of a test', async () => {
    receiver.answer({ status: 503, body: 'later', headers: { 'retry-after': '7' } });
    const refused = await post('/');
    expect([refused.status, await refused.text(), refused.headers.get('retry-after')]).toEqual([503, 'later', '7']);
    receiver.answer((request) => ({ status: 201, body: request.body, delayMs: 5 }));
    const echoed = await post('/', 'ping');
    expect([echoed.status, await echoed.text()]).toEqual([201, 'ping']);
  });

  it.each(['drop', 'half'] as const)('breaks the connection when told to %s', async (failure) => {
    receiver.answer({ failure, body: '{"long":"enough"}', headers: { 'content-length': '17' } });
    await expect(post('/').then((response) => response.text())).rejects.toThrow();
    expect(receiver.requests).toHaveLength(1);
  });

  it('hangs without keeping close() waiting', async () => {
    receiver.answer({ failure: 'hang' });
    const hanging = expect(post('/')).rejects.toThrow();
    await receiver.waitFor((request) => request.method === 'POST');
    await receiver.close();
    await hanging;
  });

  it('lists what it did receive when something is missing', async () => {
    await post('/first', 'hello there');
    await expect(receiver.waitFor(2, 50)).rejects.toThrow(
      /waited 50 ms in vain for 2 requests.*\n.*POST \/first .*hello there/,
    );
  });
});
