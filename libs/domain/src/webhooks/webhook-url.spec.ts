import { isDomainError } from '../kernel/domain-error';
import { checkWebhookUrl } from './webhook-url';

const refused = (url: string, plainHttp: boolean): boolean => {
  try {
    checkWebhookUrl(url, plainHttp);
    return false;
  } catch (error) {
    return isDomainError(error, 'webhook_url_not_allowed');
  }
};

it('takes https, and http only where it is allowed, unchanged', () => {
  expect(checkWebhookUrl('https://Example.org/Hook?a=b', false)).toBe('https://Example.org/Hook?a=b');
  expect(checkWebhookUrl('http://127.0.0.1:9/x', true)).toBe('http://127.0.0.1:9/x');
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
