/** What is printed when everything runs. */

/**
 * A signed call of the xroom API that can be pasted into bash: x-auth-key is the HMAC of a fresh random text.
 * @param {{url: string, account: {authId: string, secret: string}}} run
 */
export function signedCall(run, collection, request) {
  return [
    'R=$(openssl rand -hex 32)',
    `K=$(printf %s "$R" | openssl dgst -sha256 -hmac '${run.account.secret}' -r | cut -d' ' -f1)`,
    `curl -s ${run.url}/api/${collection} -H 'x-api-version: 2' -H "x-random: $R" -H 'x-auth-id: ${run.account.authId}' \\
  -H "x-auth-key: $K" -H 'content-type: application/json' -d '${JSON.stringify(request)}'; echo`,
  ].join('\n');
}

/**
 * The text for people.
 * @param run what run.json says
 * @param {{run: string, logs: string}} paths as people can type them here
 */
export function welcomeText(run, paths) {
  const init = { method: 'init', data: { id: `${run.domain}/my-room` } };
  const add = { method: 'add', data: { domain: run.domain, type: 'url', url: 'http://127.0.0.1:9000/hook' } };
  return `
Parley is ready at ${run.url}

${run.regions.map(regionLines).join('\n')}

  account      ${run.account.authId}
  secret       ${run.account.secret}
  domain       ${run.domain}
  webhook key  ${run.webhookKey}
  admin key    ${run.adminKey}

Open a room (\`npm run join\` in another terminal enters it):

${signedCall(run, 'room', init)}

Register a webhook (\`npm run receiver\` in another terminal answers it):

${signedCall(run, 'webhook', add)}

All of this is in ${paths.run}, logs are in ${paths.logs}. Ctrl-C stops everything; the data stays.
`;
}

function regionLines({ id, url, signaling, adminUrl }) {
  const gateways = signaling.map((gateway, index) => [`gateway ${index + 1}`, gateway]);
  return [[id, url], ...gateways, ['operator', `${adminUrl}/v1/admin`]]
    .map(([name, address]) => `  ${name.padEnd(12)} ${address}`)
    .join('\n');
}
