/** What is told to whoever looks at the front door without knowing what to ask for. */
export interface Welcome {
  readonly name: string;
  readonly about: string;
  /** What can be asked here without credentials: path -> meaning. */
  readonly paths: Readonly<Record<string, string>>;
  /** Sections of the README that help on. */
  readonly readme: readonly string[];
}

export const WELCOME: Welcome = {
  name: 'Parley',
  about: 'The control plane for real-time rooms: back ends open rooms, people signal in them, webhooks tell of them.',
  paths: {
    '/regions': 'the regions there are, and where their sockets belong',
    '/ping': 'answers 204, to measure the way here',
    '/api/v1/welcome': 'the version of the signaling gateway',
  },
  readme: [
    'The first minute',
    'Receiving webhooks',
    'Recipes: sign a call, join from your own client',
    'Configuration',
  ],
};

/** The same as a page. It loads nothing and runs nothing. */
export function welcomePage({ name, about, paths, readme }: Welcome): string {
  const links = Object.entries(paths).map(
    ([path, meaning]) => `<li><a href="${path}"><code>${path}</code></a>: ${meaning}</li>`,
  );
  const sections = readme.map((section) => `<li>${section}</li>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }</style>
<h1>${name} is running</h1>
<p>${about}</p>
<h2>To look at</h2>
<ul>${links.join('')}</ul>
<h2>To read, in README.md</h2>
<ul>${sections.join('')}</ul>
</html>
`;
}
