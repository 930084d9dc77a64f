import { parseRedisUrl } from './index';

describe('parseRedisUrl', () => {
  it('reads one node', () => {
    expect(parseRedisUrl('redis://user:p%40ss@host/2')).toEqual({
      nodes: [{ host: 'host', port: 6379 }],
      username: 'user',
      password: 'p@ss',
      tls: false,
      db: 2,
      cluster: false,
    });
  });

  it('reads the nodes of a cluster', () => {
    expect(parseRedisUrl('rediss://:pw@[::1]:7000, rediss://b:7001')).toMatchObject({
      nodes: [
        { host: '::1', port: 7000 },
        { host: 'b', port: 7001 },
      ],
      password: 'pw',
      tls: true,
      cluster: true,
    });
  });

  it.each(['', 'nonsense', 'http://host', 'redis://a/1,redis://b/1', 'redis://h/x'])('refuses %j', (text) => {
    expect(() => parseRedisUrl(text)).toThrow();
  });

  it('shows no password in its complaint', () => {
    expect(() => parseRedisUrl('http://u:hunter2@h')).toThrow(/^(?!.*hunter2).*$/);
  });
});
