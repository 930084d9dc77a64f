/** What is printed when everything runs. */

/**
 * A signed call of the xroom API that can be pasted into bash: x-auth-key is the HMAC of a fresh random text.
 * @param {{url: string, account: {authId: string, secret: string}}} run
 */
export function signedCall(run, collection, request) {
  return [
    'R=$(openssl rand -hex 32)',
    `K=$(printf %s "$R" | openssl dgst -sha256 -hmac '${run.account.secret}' | sed 's/^.* //')`,
    `curl -s ${run.url}/api/${collection} -H 'x-api-version: 2' -H "x-random: $R" -H 'x-auth-id: ${run.account.authId}' \\
  -H "x-auth-key: $K" -H 'content-type: application/json' -d '${JSON.stringify(request)}'; echo`,
  ].join('\n');
}

/** The text for people, from what run.json says. */
export function welcomeText(run, runFile) {
  const init = { method: 'init', data: { id: `${run.domain}/my-room`, addHostKey: true } };
  const add = { method: 'add', data: { domain: run.domain, type: 'url', url: 'http://127.0.0.1:9000/hook' } };
  return `
Parley is ready at ${run.url}

${run.regions.map(regionLines).join('\n')}
  operator   ${run.adminUrl}/v1/admin (bearer key: adminKey in ${runFile})

  account    ${run.account.authId}
  secret     ${run.account.secret}
  domain     ${run.domain}
  webhook key ${run.webhookKey}

Open a room:

${signedCall(run, 'room', init)}

Register a webhook (\`npm run receiver\` in another terminal answers it):

${signedCall(run, 'webhook', add)}

All of this is in ${runFile}. Ctrl-C stops everything; the data stays.
`;
}

function regionLines({ id, url, signaling }) {
  const gateways = signaling.map((gateway, index) => `  gateway ${index + 1}  ${gateway}`);
  return [`  ${id.padEnd(10)} ${url}`, ...gateways].join('\n');
}
