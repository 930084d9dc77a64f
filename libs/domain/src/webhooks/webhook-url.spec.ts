import { isDomainError } from '../kernel/domain-error';
import { checkWebhookUrl } from './webhook-url';

const rules = { extraPorts: [8443], mayBeReceiver: (host: string, local: boolean) => local || host !== '10.0.0.1' };

const refused = (url: string, insecure: boolean): boolean => {
  try {
    checkWebhookUrl(url, insecure, rules);
    return false;
  } catch (error) {
    return isDomainError(error, 'webhook_url_not_allowed');
  }
};

it('takes https, and http only where it is allowed, unchanged', () => {
  expect(checkWebhookUrl('https://Example.org/Hook?a=b', false, rules)).toBe('https://Example.org/Hook?a=b');
  expect(checkWebhookUrl('http://127.0.0.1:9/x', true, rules)).toBe('http://127.0.0.1:9/x');
  expect(refused('http://example.org/', false)).toBe(true);
});

it.each([
  '',
  'example.org/hook',
  'ftp://example.org/',
  'javascript:alert(1)',
  'https://user@example.org/',
  'https://user:pass@example.org/',
  'https://',
  `https://example.org/${'x'.repeat(2048)}`,
])('refuses %j even in the demo domain', (url) => {
  expect(refused(url, true)).toBe(true);
});

it.each([
  ['the usual port', 'https://example.org:443/', false],
  ['the other usual port', 'https://example.org:80/', false],
  ['a port of the allow-list', 'https://example.org:8443/', false],
  ['mail', 'https://example.org:25/', true],
  ['a database', 'https://example.org:5432/', true],
  ['what the rules say is inside', 'https://10.0.0.1/', true],
])('an ordinary domain: %s', (_what, url, expected) => {
  expect(refused(url, false)).toBe(expected);
  expect(refused(url, true)).toBe(false);
});

it('says which ports there are', () => {
  expect(() => checkWebhookUrl('https://example.org:25/', false, rules)).toThrow('port 25; use one of 80, 443, 8443');
});
