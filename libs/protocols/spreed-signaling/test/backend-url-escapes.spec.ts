import { backendAddress, normalizeBackendUrl } from '../src';

test.each([
  'https://host.test/one/..%2ftwo/',
  'https://host.test/one/..%2Ftwo/ocs/v2.php/apps/spreed/api/v3/signaling/backend',
  'https://host.test/one/%2e%2e%2ftwo/',
  'https://host.test/one/..%5ctwo/',
])('%s is no URL of a backend: web servers read it as another one', (url) => {
  expect(normalizeBackendUrl(url)).toBeUndefined();
  expect(backendAddress(url, ['https://host.test/', 'https://host.test/one/'])).toBeUndefined();
});

test('other escapes stay as they are', () => {
  expect(normalizeBackendUrl('https://host.test/%C3%A4%20b/')).toBe('https://host.test/%C3%A4%20b/');
});
